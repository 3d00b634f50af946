//! How calls sound, loss by jitter: a table that changes when the engine does, to be read by whoever changed it.
//!
//! After a change that is meant, `INSTA_UPDATE=always cargo test -p rove-tests --test tools grid` writes the new table; the
//! difference is reviewed as text.

use core::{fmt::Write as _, time::Duration};

use rove_phone::{
    CodecId,
    netem::{Impairments, Jitter, Loss, Spread},
    simulate::Scenario,
};

use crate::{fullband, speech};

#[test]
fn loss_and_jitter_cost_what_the_table_says() {
    let narrow = speech(8_000);
    let mut table = String::from("codec  loss %  jitter ms |  MOS  listening  played after ms  invented %\n");
    for (codec, rate, clip) in [(CodecId::Opus, 48_000, fullband()), (CodecId::Pcmu, 8_000, &narrow)] {
        for loss in [0.0, 0.01, 0.05, 0.1, 0.2] {
            for jitter in [0, 10, 30] {
                let spread = Spread::Gamma { mean: Duration::from_millis(jitter), shape: 1.0 };
                let link = Impairments {
                    loss: Loss::Independent(loss),
                    jitter: (jitter > 0).then_some(Jitter::independent(spread)),
                    ..Impairments::delay(Duration::from_millis(40))
                };
                let scenario = Scenario { codec, link, seed: 7, ..Scenario::default() };
                let simulated = scenario.run(clip, 15 * rate, &mut |_| {}, &mut |_| true).unwrap();
                let cell = |value: Option<f64>, digits: usize| {
                    value.map_or_else(|| "–".into(), |value| format!("{value:.digits$}"))
                };
                writeln!(
                    table,
                    "{:<5}  {:>6}  {jitter:>9} | {:>4}  {:>9}  {:>15}  {:>10}",
                    codec.encoding_name(),
                    loss * 100.0,
                    cell(simulated.mos, 1),
                    cell(simulated.mos_lq, 1),
                    cell(simulated.playout_delay_ms.mean, 0),
                    cell(simulated.concealed_percent, 1),
                )
                .unwrap();
            }
        }
    }
    insta::assert_snapshot!(table);
}
