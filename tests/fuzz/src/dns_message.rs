//! Messages of the name service, without a machine around them.

use rove_dns::{
    tsig::Signature,
    wire::{Name, NameBuf, Reader, WireError},
};

/// Any bytes are a message or an error. What a record holds lies within the message, a name is the same when it is
/// written in wire form or as text and read again, and a signature that is found is that of a message that reads to its
/// end.
///
/// # Panics
///
/// When that does not hold.
pub fn check(bytes: &[u8]) {
    let whole = read(bytes);
    if let Ok(Some(signature)) = Signature::find(bytes) {
        assert!(whole.is_ok(), "a signature in what cannot be read");
        let _ = signature.time_there();
    }
}

fn read(bytes: &[u8]) -> Result<(), WireError> {
    let mut reader = Reader::new(bytes);
    let header = reader.header()?;
    for _ in 0..header.counts[0] {
        known_again(&reader.question()?.name);
    }
    for _ in 0..header.records() {
        let record = reader.record()?;
        known_again(&record.name);
        assert!(record.start < record.rdata.start && record.rdata.end <= bytes.len());
        assert!(bytes.get(record.rdata).is_some());
    }
    reader.finish()
}

fn known_again(read: &NameBuf) {
    let name = read.to_name();
    assert_eq!(Name::from_wire(read.as_wire()).as_ref(), Ok(&name));
    assert_eq!(name.to_string().parse::<Name>().as_ref(), Ok(&name));
    assert!(name.is_within(&Name::root()) && name.is_within(&name) && name.labels() <= 127);
}
