//! A SIP message as lines, read with none of the code under test.

/// A message.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) start: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// As it came.
    pub(crate) raw: Vec<u8>,
}

impl Text {
    /// Reads a datagram. `Err` says what is wrong with its form.
    pub(crate) fn read(raw: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(raw).map_err(|error| format!("not UTF-8: {error}"))?;
        let (head, body) = text.split_once("\r\n\r\n").ok_or("no empty line after the headers")?;
        if head.replace("\r\n", "").contains(['\r', '\n']) {
            return Err("a bare CR or LF".into());
        }
        let mut lines = head.split("\r\n");
        let start = lines.next().unwrap_or_default().to_owned();
        let mut headers = Vec::new();
        for line in lines {
            let (name, value) = line.split_once(':').ok_or_else(|| format!("no header: {line:?}"))?;
            headers.push((name.trim().to_owned(), value.trim().to_owned()));
        }
        Ok(Self { start, headers, body: body.to_owned(), raw: raw.to_vec() })
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(have, _)| have.eq_ignore_ascii_case(name))
            .map(|(_, value)| &**value)
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(have, _)| have.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    pub(crate) fn is_response(&self) -> bool {
        self.start.starts_with("SIP/2.0 ")
    }

    pub(crate) fn status(&self) -> u16 {
        self.start.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
    }

    pub(crate) fn method(&self) -> &str {
        self.start.split(' ').next().unwrap_or_default()
    }

    pub(crate) fn uri(&self) -> &str {
        self.start.split(' ').nth(1).unwrap_or_default()
    }

    /// Number and method of CSeq.
    pub(crate) fn cseq(&self) -> (u32, String) {
        let (number, method) = self.get("CSeq").split_once(' ').unwrap_or_default();
        (number.parse().unwrap_or(0), method.trim().to_owned())
    }

    pub(crate) fn branch(&self) -> String {
        param(self.get("Via"), "branch").unwrap_or_default()
    }

    pub(crate) fn tag_of_from(&self) -> String {
        param(self.get("From"), "tag").unwrap_or_default()
    }

    pub(crate) fn to_tag(&self) -> String {
        param(self.get("To"), "tag").unwrap_or_default()
    }
}

/// A parameter behind an address.
fn param(value: &str, name: &str) -> Option<String> {
    let behind = value.rsplit_once('>').map_or(value, |(_, behind)| behind);
    behind.split(';').find_map(|part| {
        let (have, value) = part.split_once('=')?;
        have.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}

/// What stands between `<` and `>`.
pub(crate) fn address(value: &str) -> &str {
    value.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or(value, |(uri, _)| uri)
}
