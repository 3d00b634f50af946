//! The answer to a REGISTER (RFC 3261 §10.3 step 8).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::{Instant, Now, UnixTime};

use super::{Answer, Binding, Gruus, Refused, RegistrarConfig, Registration};
use crate::message::{HeaderName, NameAddr, Response, StatusCode};

/// Completes `response`, which has what every response copies, to the answer to a REGISTER.
pub fn respond(
    response: &mut Response,
    config: &RegistrarConfig,
    gruus: &mut Gruus,
    registration: &Registration,
    answer: &Answer,
    now: Now,
) {
    let refuse = |response: &mut Response, status: StatusCode| {
        response.status = status;
        status.default_reason().clone_into(&mut response.reason);
    };
    let bindings = match answer {
        Answer::Bindings(bindings) => bindings,
        Answer::Refused(Refused::OutOfOrder) => {
            refuse(response, StatusCode::SERVER_INTERNAL_ERROR);
            return "Out of Order".clone_into(&mut response.reason);
        }
        Answer::Refused(Refused::TooMany) => return refuse(response, StatusCode::FORBIDDEN),
        Answer::Refused(Refused::Full) | Answer::Unavailable => {
            refuse(response, StatusCode::SERVICE_UNAVAILABLE);
            return response.headers.push(HeaderName::RetryAfter, "60");
        }
    };
    refuse(response, StatusCode::OK);
    let headers = &mut response.headers;
    for binding in bindings.iter().filter(|binding| binding.until > now.mono) {
        headers.push(HeaderName::Contact, contact(binding, registration, gruus, now.mono));
    }
    for path in &registration.path {
        headers.push(HeaderName::Path, path.to_string());
    }
    for route in &config.service_route {
        headers.push(HeaderName::ServiceRoute, route.to_string());
    }
    if registration.outbound {
        headers.push(HeaderName::Require, "outbound");
    }
    headers.push(HeaderName::Date, date(now.wall));
}

/// One binding as Contact tells it.
fn contact(binding: &Binding, registration: &Registration, gruus: &mut Gruus, now: Instant) -> String {
    let mut contact =
        NameAddr { display: None, uri: binding.contact.clone(), params: binding.params.clone() };
    let params = &mut contact.params;
    if binding.q < 1_000 {
        params.set("q", Some(&format!("0.{:03}", binding.q)));
    }
    let left = binding.until.since(now).as_nanos().div_ceil(1_000_000_000);
    params.set("expires", Some(&left.to_string()));
    let mut text = contact.to_string();
    if let Some(instance) = &binding.instance {
        text.push_str(&format!(";+sip.instance=\"<{}>\"", instance.urn.replace(['"', '\\'], "")));
        if let Some(reg_id) = instance.reg_id {
            text.push_str(&format!(";reg-id={reg_id}"));
        }
        if registration.gruu {
            let (public, temporary) = gruus.make(&registration.address, &registration.aor, binding);
            text.push_str(&format!(";pub-gruu=\"{public}\";temp-gruu=\"{temporary}\""));
        }
    }
    text
}

/// A moment as Date writes it (RFC 3261 §20.17).
#[must_use]
pub fn date(at: UnixTime) -> String {
    let secs = at.as_secs();
    let (days, rest) = (secs / 86_400, secs % 86_400);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    // The days of years that begin in March, counted in eras of 400 (Howard Hinnant's civil calendar).
    let shifted = days.saturating_add(719_468);
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let leaps = (day_of_era / 1_460).saturating_add(day_of_era / 146_096);
    let year_of_era = day_of_era.saturating_add(day_of_era / 36_524).saturating_sub(leaps) / 365;
    let past =
        year_of_era.saturating_mul(365).saturating_add(year_of_era / 4).saturating_sub(year_of_era / 100);
    let day_of_year = day_of_era.saturating_sub(past);
    let shifted_month = day_of_year.saturating_mul(5).saturating_add(2) / 153;
    let before = shifted_month.saturating_mul(153).saturating_add(2) / 5;
    let day = day_of_year.saturating_sub(before).saturating_add(1);
    let year =
        era.saturating_mul(400).saturating_add(year_of_era).saturating_add(u64::from(shifted_month >= 10));
    let name = |names: &[&'static str], at: u64| {
        usize::try_from(at).ok().and_then(|at| names.get(at).copied()).unwrap_or_default()
    };
    let weekday = name(&WEEKDAYS, days.saturating_add(4) % 7);
    let month = name(&MONTHS, shifted_month);
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
/// From March on.
const MONTHS: [&str; 12] =
    ["Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan", "Feb"];
