//! What strangers on the way can change.

use super::*;

/// Someone on the way changes what no signature covers, in a copy that comes before the genuine flight each time.
#[test]
fn a_copy_of_the_servers_hello_with_another_extension_in_it_only_delays_a_handshake() {
    const POINT_FORMATS: [u8; 6] = [0, 11, 0, 2, 1, 0];
    for whole in [true, false] {
        let mut world = World::new(11, 0.0);
        world.start();
        let mut forged = 0;
        while !world.is_done() && world.now < Instant::ZERO + Duration::from_secs(20) {
            while let Some((_, datagram)) = world.client.next_datagram() {
                world.server.receive(world.now, SERVER, &datagram);
            }
            while let Some((_, datagram)) = world.server.next_datagram() {
                let place = datagram.windows(6).position(|bytes| bytes == POINT_FORMATS);
                if let Some(place) = place.filter(|_| datagram[13] == 2) {
                    let mut copy = datagram.clone();
                    copy[place..place + 2].copy_from_slice(&[0xfd, 0xf4]);
                    // Its first record, which is the hello, or all of it.
                    let first = 13 + usize::from(u16::from_be_bytes([copy[11], copy[12]]));
                    copy.truncate(if whole { copy.len() } else { first });
                    world.client.receive(world.now, CLIENT, &copy);
                    forged += 1;
                }
                world.client.receive(world.now, CLIENT, &datagram);
            }
            world.hear();
            world.now += Duration::from_millis(50);
            world.client.tick(world.now);
            world.server.tick(world.now);
        }
        assert!(forged > 0);
        world.assert_agreed(if whole { "its flight" } else { "its hello" });
        assert!(world.now < Instant::ZERO + Duration::from_secs(5), "{:?}", world.now);
    }
}
