//! How the world sees a port: one question to a STUN server (RFC 8489), which may go unanswered.

use core::time::Duration;
use std::{
    io,
    net::{SocketAddr, UdpSocket},
    thread,
    time::Instant,
};

use rove_nat::stun::{Class, Message, MessageWriter, Transaction};

/// Asks `server` how it sees `socket`, which may be a non-blocking one. `None` when no answer to this question comes within
/// `patience`. What else comes to the port meanwhile is thrown away: nobody has been told of it yet.
pub(crate) fn ask(
    socket: &UdpSocket,
    server: SocketAddr,
    transaction: Transaction,
    patience: Duration,
) -> Option<SocketAddr> {
    let question = MessageWriter::new(Class::Request, transaction).fingerprinted();
    let began = Instant::now();
    let mut asked = 0;
    let mut bytes = [0; 1_500];
    while began.elapsed() < patience {
        if began.elapsed() >= AGAIN * asked {
            // What cannot be sent now may be later; the patience is bounded.
            let _ = socket.send_to(&question, server);
            asked += 1;
        }
        match socket.recv_from(&mut bytes) {
            Ok((len, from)) if from == server => {
                if let Some(seen) = bytes.get(..len).and_then(|bytes| answer(bytes, transaction)) {
                    return Some(seen);
                }
            }
            Ok(_) => {}
            Err(error) if is_empty(&error) => thread::sleep(GLANCE),
            // Nobody listens there, says the network; another answer may come.
            Err(_) => thread::sleep(GLANCE),
        }
    }
    None
}

fn answer(bytes: &[u8], transaction: Transaction) -> Option<SocketAddr> {
    let message = Message::parse(bytes).ok()?;
    let ours = message.is_binding() && message.transaction() == transaction;
    message.attributes().mapped.filter(|_| ours && message.class() == Class::Success)
}

fn is_empty(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// How long a call waits for an answer before it goes on without.
pub(crate) const PATIENCE: Duration = Duration::from_millis(600);
/// The question is repeated.
const AGAIN: Duration = Duration::from_millis(200);
/// Between two looks at the socket.
const GLANCE: Duration = Duration::from_millis(4);

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: Transaction = [7; 12];

    fn socket() -> UdpSocket {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        socket
    }

    /// A server that answers the `nth` question by `answer`.
    fn server(
        nth: usize,
        answer: impl Fn(SocketAddr, Transaction) -> Vec<u8> + Send + 'static,
    ) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        thread::spawn(move || {
            let mut bytes = [0; 1_500];
            for count in 1..=nth {
                let (len, from) = socket.recv_from(&mut bytes).unwrap();
                let asked = Message::parse(&bytes[..len]).unwrap();
                if count == nth {
                    socket.send_to(&answer(from, asked.transaction()), from).unwrap();
                }
            }
        });
        address
    }

    fn success(seen: SocketAddr, transaction: Transaction) -> Vec<u8> {
        MessageWriter::new(Class::Success, transaction).mapped(seen).fingerprinted()
    }

    #[test]
    fn the_answer_tells_how_the_world_sees_the_port_and_a_lost_question_is_repeated() {
        for nth in [1, 2] {
            let socket = socket();
            let seen = ask(&socket, server(nth, success), OURS, Duration::from_secs(10));
            assert_eq!(seen, Some(socket.local_addr().unwrap()), "question {nth}");
        }
    }

    #[test]
    fn silence_answers_to_other_questions_and_errors_are_no_answer_and_cost_the_patience_at_most() {
        let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
        let strange = server(1, |from, _| success(from, [9; 12]));
        let error = server(1, |_, transaction| {
            MessageWriter::new(Class::Error, transaction).error(400).fingerprinted()
        });
        let closed = {
            let gone = UdpSocket::bind("127.0.0.1:0").unwrap();
            gone.local_addr().unwrap()
        };
        for server in [silent.local_addr().unwrap(), strange, error, closed] {
            let began = Instant::now();
            assert_eq!(ask(&socket(), server, OURS, Duration::from_millis(100)), None);
            assert!(began.elapsed() < Duration::from_secs(5));
        }
    }
}
