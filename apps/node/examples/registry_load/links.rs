//! Links of terminals to one server.

use std::{collections::HashMap, net::SocketAddr, path::Path};

use rove_base::{Connect, StreamId, Transport};
use rove_driver::{StreamEvent, Streams, Tls};
use rove_irmv::{Frames, Message, PROTOCOL};

use crate::{FIRST, panic_with, tools::Options};

pub(crate) struct Links {
    streams: Streams,
    frames: HashMap<StreamId, Frames>,
    server: SocketAddr,
    domain: String,
    next: StreamId,
}

impl Links {
    /// None yet; `server` is the option that says where it is.
    pub(crate) fn new(options: &Options, server: &str, domain: &str) -> Self {
        let authority = options.text("--authority");
        let tls =
            Tls::default().with_quic(Some(Path::new(&authority)), None, PROTOCOL).expect("an authority");
        Self {
            streams: Streams::new(tls),
            frames: HashMap::new(),
            server: options.text(server).parse().expect("an address"),
            domain: domain.to_owned(),
            next: FIRST,
        }
    }

    /// One more, greeted.
    pub(crate) async fn open(&mut self) -> StreamId {
        let stream = self.next;
        self.next = StreamId(stream.0 + 2);
        let name = Some(self.domain.clone());
        self.frames.insert(stream, Frames::default());
        self.streams.connect(Connect { stream, remote: self.server, transport: Transport::Quic, name });
        loop {
            match self.streams.next().await {
                StreamEvent::Connected { stream: one, .. } if one == stream => break,
                StreamEvent::Closed { .. } => panic_with(&"the server has closed a link"),
                _ => self.streams.read_on(),
            }
        }
        self.send(stream, &Frames::frame(&Message::Hello { server: None }.encode()));
        match self.hear().await.1.as_slice() {
            [Message::Welcome { .. }] => stream,
            other => panic_with(&other),
        }
    }

    pub(crate) fn send(&mut self, stream: StreamId, bytes: &[u8]) {
        self.streams.send(stream, bytes);
    }

    /// What comes next, and where. May be dropped and asked again.
    pub(crate) async fn hear(&mut self) -> (StreamId, Vec<Message>) {
        loop {
            match self.streams.next().await {
                StreamEvent::Bytes { stream, bytes } => {
                    let messages = self.messages(stream, &bytes);
                    self.streams.read_on();
                    if !messages.is_empty() {
                        return (stream, messages);
                    }
                }
                StreamEvent::Closed { .. } => panic_with(&"the server has closed a link"),
                StreamEvent::Connected { .. } | StreamEvent::Identified { .. } => {}
            }
        }
    }

    fn messages(&mut self, stream: StreamId, mut bytes: &[u8]) -> Vec<Message> {
        let frames = self.frames.get_mut(&stream).expect("one of ours");
        let mut messages = Vec::new();
        while let Some(frame) = frames.next(&mut bytes).expect("frames") {
            messages.push(Message::decode(&frame).expect("a message"));
        }
        messages
    }
}
