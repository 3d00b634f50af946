//! `rove message`: something is said without a call.

use rove_phone::{ErrandNews, Phone, PhoneEvent};
use serde_json::json;

use super::{GLANCE, accounts};
use crate::{cli::outside::Message, failure::Failure, files, settings::Settings, show::Show, stop::Stop};

pub(crate) fn run(settings: &Settings, args: &Message, stop: &Stop) -> Result<(), Failure> {
    files::check_output(args.json.as_deref(), "the report", &[])?;
    let phone = Phone::start(settings.phone(&args.phone)?)?;
    let show = Show::new();
    let account = accounts::to_use(&phone, settings, &args.account, &args.phone, args.with.as_deref())?;
    let ours = phone.send_message(&args.target, &args.text, account)?;
    let outcome = loop {
        if stop.wanted() {
            return Err(Failure::call("stopped before the message was taken"));
        }
        let Some(event) = phone.next_event(GLANCE) else { continue };
        match event {
            PhoneEvent::Errand { id, news: ErrandNews::Delivered { status } } if id == ours => {
                break Ok(status);
            }
            PhoneEvent::Errand { id, news: ErrandNews::Failed { why } } if id == ours => break Err(why),
            other => show.event(&other),
        }
    };
    show.done();
    if let Some(path) = &args.json {
        let report = json!({
            "target": args.target,
            "delivered": outcome.is_ok(),
            "status": outcome.as_ref().ok().map(|status| status.code()),
            "error": outcome.as_ref().err(),
        });
        files::write_json(path, &report)?;
    }
    let status = outcome.map_err(|why| Failure::call(format!("{}: not delivered: {why}", args.target)))?;
    let how = if status.code() == 202 { "taken, to be passed on" } else { "delivered" };
    println!("{how}");
    Ok(())
}
