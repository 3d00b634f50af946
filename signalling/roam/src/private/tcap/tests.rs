use proptest::{collection::vec, prelude::*};

use super::*;
use crate::private::ber::{Tag, Writer};

const CONTEXT: ApplicationContext = ApplicationContext::v3(14);
const OURS: TransactionId = TransactionId::new(0x0102_0304);
const THEIRS: TransactionId = TransactionId::new(0xfffe_fdfc);

fn argument(out: &mut Writer<'_>) {
    out.value(Tag::OCTET_STRING, b"imsi");
}

const ARGUMENT: &[u8] = b"\x04\x04imsi";

#[test]
fn a_begin_is_written_as_q773_says() {
    let mut out = Vec::new();
    begin(&mut out, OURS, CONTEXT, &Outgoing::Invoke { id: 1, operation: 56, argument: &argument });
    let expected: &[&[u8]] = &[
        &[0x62, 0x36, 0x48, 4, 1, 2, 3, 4], // Begin, originating transaction
        &[0x6b, 0x1e, 0x28, 0x1c, 0x06, 7, 0, 0x11, 0x86, 5, 1, 1, 1], // dialogue portion, dialogue-as-id
        &[0xa0, 0x11, 0x60, 0x0f, 0x80, 2, 7, 0x80], // AARQ, version 1
        &[0xa1, 9, 0x06, 7, 4, 0, 0, 1, 0, 14, 3], // infoRetrievalContext-v3
        &[0x6c, 0x0e, 0xa1, 0x0c, 2, 1, 1, 2, 1, 56], // Invoke 1 of sendAuthenticationInfo
        ARGUMENT,
    ];
    assert_eq!(out, expected.concat());
}

#[test]
fn each_message_reads_back() {
    let mut out = Vec::new();
    begin(&mut out, OURS, CONTEXT, &Outgoing::Invoke { id: 1, operation: 56, argument: &argument });
    let Ok(Message::Begin { origin, dialogue, mut components }) = Message::parse(&out) else {
        panic!("{out:?}")
    };
    assert_eq!((origin, dialogue), (OURS, Some(Dialogue::Request(Some(CONTEXT)))));
    assert_eq!(components.take(), Ok(Some(Component::Invoke { id: 1, operation: 56, argument: ARGUMENT })));
    assert_eq!(components.take(), Ok(None));

    out.clear();
    let result = Outgoing::Result { id: 0x80, operation: 7, result: &argument };
    continued(&mut out, (OURS, THEIRS), Some(CONTEXT), &result);
    let Ok(Message::Continue { origin, destination, dialogue, mut components }) = Message::parse(&out) else {
        panic!("{out:?}")
    };
    assert_eq!((origin, destination, dialogue), (OURS, THEIRS, Some(Dialogue::Accept(CONTEXT))));
    assert_eq!(components.take(), Ok(Some(Component::Result { id: 0x80, result: ARGUMENT })));

    out.clear();
    end(&mut out, THEIRS, None, &Outgoing::Error { id: 3, code: 34, parameter: &|_| () });
    let Ok(Message::End { destination, dialogue: None, mut components }) = Message::parse(&out) else {
        panic!("{out:?}")
    };
    assert_eq!(destination, THEIRS);
    assert_eq!(components.take(), Ok(Some(Component::Error { id: 3, code: 34, parameter: &[] })));

    out.clear();
    end(&mut out, THEIRS, None, &Outgoing::Reject { id: 3, problem: Problem::MistypedArgument });
    let Ok(Message::End { mut components, .. }) = Message::parse(&out) else { panic!("{out:?}") };
    assert_eq!(
        components.take(),
        Ok(Some(Component::Reject { id: Some(3), problem: Problem::MistypedArgument }))
    );
}

#[test]
fn aborts_say_whose_they_are() {
    let mut out = Vec::new();
    abort(&mut out, THEIRS, AbortCause::ResourceLimitation);
    let Ok(Message::Abort { destination, cause, dialogue }) = Message::parse(&out) else { panic!("{out:?}") };
    assert_eq!((destination, cause, dialogue), (THEIRS, Some(AbortCause::ResourceLimitation), None));
    out.clear();
    refuse(&mut out, THEIRS, Some(CONTEXT));
    let Ok(Message::Abort { cause: None, dialogue, .. }) = Message::parse(&out) else { panic!("{out:?}") };
    assert_eq!(dialogue, Some(Dialogue::Refuse(Some(CONTEXT))));
}

proptest! {
    #[test]
    fn any_bytes_are_a_message_or_an_error(bytes in vec(any::<u8>(), 0..200)) {
        let message = Message::parse(&bytes);
        if let Ok(Message::Begin { mut components, .. } | Message::Continue { mut components, .. }) = message {
            while let Ok(Some(_)) = components.take() {}
        }
    }
}
