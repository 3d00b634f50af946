use proptest::{collection::vec, prelude::*};

use super::Framer;

#[test]
fn silence_fills_up_a_frame() {
    let mut framer = Framer::new(4, 40);
    assert_eq!(framer.push(&[1.0, 2.0]), 0);
    assert_eq!(framer.push_silence(2), 0);
    assert_eq!(framer.next_frame(), Some(&[1.0, 2.0, 0.0, 0.0][..]));
    assert!(framer.next_frame().is_none() && framer.is_empty());
}

#[test]
fn when_nobody_takes_frames_the_oldest_samples_go() {
    let mut framer = Framer::new(2, 20);
    assert_eq!(framer.push(&[1.0; 20]), 0);
    assert_eq!(framer.push(&[2.0; 3]), 3);
    assert_eq!(framer.push(&[3.0; 50]), 50, "20 that waited, and 30 of its own");
    assert_eq!(framer.next_frame(), Some(&[3.0, 3.0][..]));
}

#[test]
fn the_length_of_frames_may_change_between_two_of_them() {
    let mut framer = Framer::new(2, 8);
    assert_eq!(framer.push(&[1.0, 2.0, 3.0, 4.0, 5.0]), 0);
    assert_eq!(framer.next_frame(), Some(&[1.0, 2.0][..]));
    framer.set_frame(3);
    assert_eq!(framer.next_frame(), Some(&[3.0, 4.0, 5.0][..]));
    framer.set_frame(100);
    assert_eq!(framer.frame_samples(), 8, "no more than it holds");
}

proptest! {
    #[test]
    #[allow(clippy::cast_precision_loss)]
    fn frames_are_the_samples_in_order_and_none_is_unaccounted_for(
        frame in 1_usize..50,
        steps in vec((0_usize..700, 0_usize..14), 1..100),
    ) {
        let mut framer = Framer::new(frame, frame * 10);
        let (mut pushed, mut taken) = (0_usize, 0_usize);
        for (count, takes) in steps {
            let pcm: Vec<_> = (pushed..pushed + count).map(|n| n as f32).collect();
            pushed += count;
            taken += framer.push(&pcm);
            for _ in 0..takes {
                let Some(frame) = framer.next_frame() else { break };
                prop_assert!(frame.iter().enumerate().all(|(i, &s)| (s - (taken + i) as f32).abs() < 0.5));
                taken += frame.len();
            }
            prop_assert_eq!(pushed - taken, framer.len());
        }
    }
}
