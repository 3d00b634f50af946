//! What RFC 3261 and RFC 3264 demand of each message of a user agent, to the letter.

use std::collections::HashMap;

use super::text::{Text, address};

/// One dialog, as the peer of the program under test sees it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dialog {
    pub(crate) call_id: String,
    /// Our tag, and theirs.
    pub(crate) ours: String,
    pub(crate) theirs: String,
    /// From of our requests without its tag, and To.
    pub(crate) local: String,
    pub(crate) remote: String,
    /// Where they reach us, and we them.
    pub(crate) contact: String,
    pub(crate) target: String,
    /// The number of our last request.
    pub(crate) number: u32,
    /// That of theirs.
    pub(crate) heard: Option<u32>,
    /// Their last session description.
    pub(crate) sdp: Option<String>,
}

/// Finds fault.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    pub(crate) complaints: Vec<String>,
    /// What was sent under a branch, by method.
    branches: HashMap<(String, String), Vec<u8>>,
}

impl Judge {
    fn demand(&mut self, message: &Text, fine: bool, what: &str) {
        if !fine {
            self.complaints.push(format!(
                "{what}: {}\n{}",
                message.start,
                String::from_utf8_lossy(&message.raw)
            ));
        }
    }

    /// What every request must have (RFC 3261 §8.1.1). `false` when it is a repetition of one that came before.
    pub(crate) fn request(&mut self, request: &Text) -> bool {
        let (number, method) = request.cseq();
        let key = (request.branch(), request.method().to_owned());
        if let Some(before) = self.branches.get(&key) {
            let same = *before == request.raw;
            self.demand(request, same, "another request under the branch of an earlier one (§8.1.1.7)");
            return false;
        }
        self.branches.insert(key, request.raw.clone());
        self.demand(request, request.start.ends_with(" SIP/2.0"), "the version (§7.1)");
        self.demand(request, request.branch().starts_with("z9hG4bK"), "the cookie of the branch (§8.1.1.7)");
        for name in ["Via", "From", "To", "Call-ID", "CSeq", "Max-Forwards"] {
            let count = request.all(name).count();
            self.demand(request, count == 1, &format!("one {name} (§8.1.1)"));
        }
        self.demand(request, request.get("Max-Forwards") == "70", "Max-Forwards of 70 (§8.1.1.6)");
        self.demand(request, !request.tag_of_from().is_empty(), "a tag in From (§8.1.1.3)");
        self.demand(request, method == request.method(), "the method in CSeq (§8.1.1.5)");
        self.demand(request, number < 1 << 31, "a number below 2^31 in CSeq (§8.1.1.5)");
        self.body(request);
        let needs_contact = ["INVITE", "REFER", "SUBSCRIBE", "NOTIFY", "UPDATE"].contains(&request.method());
        let contacts = request.all("Contact").count();
        self.demand(
            request,
            contacts == usize::from(needs_contact),
            "Contact where it belongs (§20, table 2)",
        );
        true
    }

    fn body(&mut self, message: &Text) {
        let length = message.get("Content-Length").parse::<usize>().ok();
        self.demand(message, length == Some(message.body.len()), "Content-Length (§18.3, §20.14)");
        let typed = message.get("Content-Type").is_empty();
        self.demand(
            message,
            typed == message.body.is_empty(),
            "Content-Type for a body, and only then (§20.15)",
        );
    }

    /// A request inside a dialog (RFC 3261 §12.2.1.1).
    pub(crate) fn inside(&mut self, request: &Text, dialog: &mut Dialog) {
        let (number, _) = request.cseq();
        self.demand(
            request,
            request.get("Call-ID") == dialog.call_id,
            "the Call-ID of the dialog (§12.2.1.1)",
        );
        self.demand(request, request.tag_of_from() == dialog.theirs, "their tag in From (§12.2.1.1)");
        self.demand(request, request.to_tag() == dialog.ours, "our tag in To (§12.2.1.1)");
        self.demand(request, address(request.get("From")) == address(&dialog.remote), "their URI in From");
        self.demand(request, address(request.get("To")) == address(&dialog.local), "our URI in To");
        self.demand(request, request.uri() == dialog.contact, "our Contact as Request-URI (§12.2.1.1)");
        self.demand(request, request.get("Route").is_empty(), "no Route where there is none (§12.2.1.1)");
        if let Some(before) = dialog.heard {
            self.demand(request, number == before + 1, "CSeq one above the last (§12.2.1.1)");
        }
        dialog.heard = Some(number);
        if let contact @ 1.. = request.all("Contact").count() {
            self.demand(request, contact == 1, "one Contact");
            address(request.get("Contact")).clone_into(&mut dialog.target);
        }
    }

    /// A response to `request` of ours (RFC 3261 §8.2.6).
    pub(crate) fn response(&mut self, response: &Text, request: &Text) {
        let via = |text: &Text| {
            let parts: Vec<String> = text.get("Via").split(';').map(str::to_owned).collect();
            parts
                .into_iter()
                .filter(|part| !part.starts_with("rport") && !part.starts_with("received"))
                .collect::<Vec<_>>()
        };
        self.demand(response, response.start.starts_with("SIP/2.0 "), "the version (§7.2)");
        self.demand(response, via(response) == via(request), "Via as it was (§8.2.6.2)");
        self.demand(response, response.get("Via").contains("rport="), "rport filled in (RFC 3581 §4)");
        for name in ["From", "Call-ID", "CSeq"] {
            self.demand(
                response,
                response.get(name) == request.get(name),
                &format!("{name} as it was (§8.2.6.2)"),
            );
        }
        let to = response.get("To").starts_with(request.get("To"));
        self.demand(response, to, "To as it was (§8.2.6.2)");
        let tagged = response.status() == 100 || !response.to_tag().is_empty();
        self.demand(response, tagged, "a tag in To (§8.2.6.2)");
        self.body(response);
        let (_, method) = response.cseq();
        if method == "INVITE" && (101..300).contains(&response.status()) {
            self.demand(response, response.all("Contact").count() == 1, "Contact (§12.1.1)");
        }
    }

    /// ACK for a 2xx that we sent with `answered` to `invite` (RFC 3261 §13.2.2.4).
    pub(crate) fn ack(&mut self, ack: &Text, invite: &Text, dialog: &Dialog) {
        self.demand(ack, ack.cseq().0 == invite.cseq().0, "the number of the INVITE in ACK (§13.2.2.4)");
        self.demand(ack, ack.branch() != invite.branch(), "a branch of its own for the ACK of a 2xx (§17)");
        self.demand(ack, ack.uri() == dialog.contact, "our Contact as Request-URI of ACK (§12.2.1.1)");
        self.demand(
            ack,
            ack.tag_of_from() == dialog.theirs && ack.to_tag() == dialog.ours,
            "the tags in ACK",
        );
        self.demand(ack, ack.get("Call-ID") == dialog.call_id, "the Call-ID in ACK");
        self.demand(
            ack,
            ack.body.is_empty(),
            "no body in an ACK when the offer was in the INVITE (§13.2.2.4)",
        );
        self.demand(
            ack,
            ack.all("Via").count() == 1 && ack.get("Max-Forwards") == "70",
            "Via, Max-Forwards in ACK",
        );
    }

    /// Their session description in `message`, an answer to `offer` if there is one (RFC 3264 §5, §6, §8).
    pub(crate) fn description(&mut self, message: &Text, offer: Option<&str>, dialog: &mut Dialog) {
        let sdp = message.body.clone();
        let lines: Vec<&str> = sdp.split_terminator("\r\n").collect();
        let kinds: String = lines.iter().filter_map(|line| line.chars().next()).collect();
        self.demand(message, message.get("Content-Type") == "application/sdp", "the type of a description");
        self.demand(
            message,
            kinds.starts_with("vos") && kinds.matches('t').count() == 1,
            "v, o, s and t (RFC 8866 §5)",
        );
        let value = |of: &[&str], kind: &str| {
            of.iter().find_map(|line| line.strip_prefix(kind)).unwrap_or_default().to_owned()
        };
        let origin = |of: &[&str]| value(of, "o=").split(' ').map(str::to_owned).collect::<Vec<_>>();
        let now = origin(&lines);
        self.demand(message, now.len() == 6, "six parts of o= (RFC 8866 §5.2)");
        if let Some(before) = &dialog.sdp {
            let before_lines: Vec<&str> = before.split_terminator("\r\n").collect();
            let was = origin(&before_lines);
            let same_session = now.get(..2) == was.get(..2) && now.get(3..) == was.get(3..);
            self.demand(message, same_session, "the same o= but for its version (RFC 3264 §8)");
            let version =
                |parts: &[String]| parts.get(2).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
            let rest = |of: &[&str]| {
                of.iter()
                    .filter(|line| !line.starts_with("o="))
                    .map(|line| (*line).to_owned())
                    .collect::<Vec<_>>()
            };
            let step = u64::from(rest(&lines) != rest(&before_lines));
            let fine = version(&now) == version(&was) + step;
            self.demand(message, fine, "the version one up with a change, and only then (RFC 3264 §8)");
            let media = |text: &str| text.matches("\r\nm=").count();
            self.demand(message, media(&sdp) >= media(before), "no fewer media than before (RFC 3264 §8)");
        }
        if let Some(offer) = offer {
            self.answer(message, offer);
        }
        dialog.sdp = Some(sdp);
    }

    fn answer(&mut self, message: &Text, offer: &str) {
        let media = |text: &str| -> Vec<Vec<String>> {
            let lines = text.lines().filter_map(|line| line.strip_prefix("m="));
            lines.map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
        };
        let (offered, answered) = (media(offer), media(&message.body));
        self.demand(message, offered.len() == answered.len(), "as many media as were offered (RFC 3264 §6)");
        for (theirs, ours) in answered.iter().zip(&offered) {
            let kept = theirs.first() == ours.first() && theirs.get(2) == ours.get(2);
            self.demand(message, kept, "the same kind and transport of each medium (RFC 3264 §6)");
            let known =
                theirs.iter().skip(3).any(|format| ours.iter().skip(3).any(|offered| offered == format));
            self.demand(message, known, "a format that was offered (RFC 3264 §6.1)");
        }
        let direction = |text: &str| {
            let all = ["sendonly", "recvonly", "inactive"];
            all.into_iter()
                .find(|one| text.lines().any(|line| line == format!("a={one}")))
                .unwrap_or("sendrecv")
        };
        let (offered, answered) = (direction(offer), direction(&message.body));
        let allowed: &[&str] = match offered {
            "sendonly" => &["recvonly", "inactive"],
            "recvonly" => &["sendonly", "inactive"],
            "inactive" => &["inactive"],
            _ => &["sendrecv", "sendonly", "recvonly", "inactive"],
        };
        self.demand(
            message,
            allowed.contains(&answered),
            "a direction that fits the offer's (RFC 3264 §6.1)",
        );
    }

    /// NOTIFY of a transfer (RFC 3515 §2.4.4, RFC 6665 §4.2.2). Answers the status that is told.
    pub(crate) fn notify(&mut self, notify: &Text) -> u16 {
        let event = notify.get("Event").split(';').next().unwrap_or_default();
        self.demand(notify, event == "refer", "Event: refer (RFC 3515 §2.4.4)");
        let kind = notify.get("Content-Type").split(';').next().unwrap_or_default();
        self.demand(notify, kind == "message/sipfrag", "a body of message/sipfrag (RFC 3515 §2.4.5)");
        self.demand(
            notify,
            notify.body.starts_with("SIP/2.0 "),
            "a status line in the body (RFC 3515 §2.4.5)",
        );
        let status = notify.body.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        let state = notify.get("Subscription-State");
        let ends = state.starts_with("terminated");
        self.demand(notify, ends == (status >= 200), "terminated with the last word (RFC 3515 §2.4.7)");
        self.demand(
            notify,
            ends || state.starts_with("active;expires="),
            "active, with its time (RFC 6665 §4.1.3)",
        );
        status
    }
}
