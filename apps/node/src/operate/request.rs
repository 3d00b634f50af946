//! Requests of HTTP/1.1 (RFC 9112): what is asked for, and what is answered at once.

use zeroize::Zeroizing;

/// What a request is answered with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    /// More of it is to come.
    Partial,
    /// This, at once.
    Now(Answer),
    /// What the node says to a line.
    Ask(Question),
}

/// What the node is asked for a page.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Question {
    Ready,
    Metrics,
    /// All, or what is a tenant's.
    View(Option<String>),
}

/// One answer; the stream ends after it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) kind: &'static str,
    pub(super) body: String,
    /// Whether the body is left out: the request was HEAD.
    pub(super) head: bool,
}

impl Answer {
    pub(super) fn text(status: u16, body: &str) -> Self {
        Self { status, kind: "text/plain; charset=utf-8", body: format!("{body}\n"), head: false }
    }

    /// As it goes over the wire. No page may be framed, cached, or use anything from elsewhere.
    pub(super) fn write(&self) -> Vec<u8> {
        let reason = match self.status {
            200 => "OK",
            400 => "Bad Request",
            401 => "Unauthorized",
            404 => "Not Found",
            405 => "Method Not Allowed",
            431 => "Request Header Fields Too Large",
            _ => "Service Unavailable",
        };
        let more = match self.status {
            401 => "WWW-Authenticate: Bearer\r\n",
            405 => "Allow: GET, HEAD\r\n",
            _ => "",
        };
        let Self { status, kind, body, head } = self;
        let mut bytes = format!(
            "HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{more}\
             Connection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\
             Referrer-Policy: no-referrer\r\nCross-Origin-Resource-Policy: same-origin\r\n\
             Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n\r\n",
            body.len()
        )
        .into_bytes();
        if !head {
            bytes.extend_from_slice(body.as_bytes());
        }
        bytes
    }
}

/// Who may see the dashboard: by token, whose part of it. `None` is all of it.
#[derive(Clone, Default)]
pub(super) struct Tokens(pub(super) Vec<(Zeroizing<String>, Option<String>)>);

impl Tokens {
    /// Whose token that is; tokens are compared in a time that tells nothing of them but their length.
    fn holder(&self, shown: &str) -> Option<Option<String>> {
        let same = |token: &str| {
            let (token, shown) = (token.as_bytes(), shown.as_bytes());
            let differs = token.iter().zip(shown).fold(0, |differs, (one, other)| differs | (one ^ other));
            token.len() == shown.len() && std::hint::black_box(differs) == 0
        };
        self.0.iter().fold(None, |found, (token, tenant)| match same(token) {
            true => Some(tenant.clone()),
            false => found,
        })
    }
}

/// What is to be done with what a client has sent so far.
pub(super) fn read(bytes: &[u8], tokens: &Tokens) -> Outcome {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) if bytes.len() < MOST_BYTES => return Outcome::Partial,
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
            return Outcome::Now(Answer::text(431, "too much"));
        }
        Err(_) => return Outcome::Now(Answer::text(400, "no request of HTTP/1.1")),
    }
    let head = match request.method {
        Some("GET") => false,
        Some("HEAD") => true,
        _ => return Outcome::Now(Answer::text(405, "only GET and HEAD")),
    };
    let path = request.path.unwrap_or_default();
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut outcome = route(path, request.headers, tokens);
    if let Outcome::Now(answer) = &mut outcome {
        answer.head = head;
    }
    outcome
}

fn route(path: &str, headers: &[httparse::Header<'_>], tokens: &Tokens) -> Outcome {
    #[cfg(feature = "dashboard")]
    let page =
        |kind, body: &str| Outcome::Now(Answer { status: 200, kind, body: body.to_owned(), head: false });
    match path {
        "/healthz" => return Outcome::Now(Answer::text(200, "live")),
        "/readyz" => return Outcome::Ask(Question::Ready),
        "/metrics" => return Outcome::Ask(Question::Metrics),
        _ if tokens.0.is_empty() => return Outcome::Now(Answer::text(404, "there is no such page")),
        #[cfg(feature = "dashboard")]
        "/" => return page("text/html; charset=utf-8", include_str!("page/dashboard.html")),
        #[cfg(feature = "dashboard")]
        "/dashboard.js" => return page("text/javascript; charset=utf-8", include_str!("page/dashboard.js")),
        #[cfg(feature = "dashboard")]
        "/dashboard.css" => return page("text/css; charset=utf-8", include_str!("page/dashboard.css")),
        "/view.json" => {}
        _ => return Outcome::Now(Answer::text(404, "there is no such page")),
    }
    let shown = headers.iter().find(|header| header.name.eq_ignore_ascii_case("authorization"));
    let shown = shown.and_then(|header| std::str::from_utf8(header.value).ok());
    let token = shown.and_then(|text| text.strip_prefix("Bearer "));
    match token.and_then(|token| tokens.holder(token.trim())) {
        Some(tenant) => Outcome::Ask(Question::View(tenant)),
        None => Outcome::Now(Answer::text(401, "show the token")),
    }
}

/// Headers of a request.
const MOST_HEADERS: usize = 64;
/// Bytes of a request.
pub(super) const MOST_BYTES: usize = 8 * 1_024;
