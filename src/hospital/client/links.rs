//! Where the hospital's server is, byte for byte as the technician wrote it, and where a link of its answers leads: never
//! anywhere but there.

use super::super::wire::Next;
use reqwest::Url;
use std::collections::BTreeSet;

/// The configured base.
#[derive(Clone)]
pub struct Base {
    /// With a slash at its end, so that `join` keeps its path.
    below: Url,
    /// With or without, as it was written: what is sent to the base itself goes there.
    written: Url,
}

impl Base {
    /// # Errors
    /// It is no `https://` (or loopback `http://`) URL; in words for a technician.
    pub fn parse(url: &str) -> Result<Self, String> {
        let mut written = Url::parse(url).map_err(|error| {
            format!("[hospital] url `{url}`: {error}; write for example https://fhir.hospital.example/r4")
        })?;
        match written.scheme() {
            "https" | "http" if is_safe(&written) => {}
            "http" => {
                return Err(format!(
                    "[hospital] url `{url}`: patients' data needs https://; http:// is only for this machine itself"
                ));
            }
            other => return Err(format!("[hospital] url `{url}`: `{other}` is not https")),
        }
        written.set_query(None);
        written.set_fragment(None);
        let mut below = written.clone();
        if !below.path().ends_with('/') {
            below.set_path(&format!("{}/", written.path()));
        }
        Ok(Self { below, written })
    }

    #[must_use]
    pub const fn below(&self) -> &Url {
        &self.below
    }

    #[must_use]
    pub const fn written(&self) -> &Url {
        &self.written
    }

    /// `path` below the base, `query` encoded; `None` if it would lead elsewhere.
    #[must_use]
    pub fn url(&self, path: &str, query: &[(&str, &str)]) -> Option<Url> {
        let mut url = self.below.join(path).ok()?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.holds(&url).then_some(url)
    }

    /// References come from the server; one with `..` or another host in it must not lead us away.
    fn holds(&self, url: &Url) -> bool {
        url.origin() == self.below.origin() && format!("{}/", url.path()).starts_with(self.below.path())
    }

    /// Where the base has moved to, if that is on the same server.
    #[must_use]
    pub fn moved(&self, location: &str) -> Option<Url> {
        let url = self.written.join(location).ok()?;
        (url.origin() == self.written.origin() && url != self.written && url.username().is_empty()).then_some(url)
    }
}

/// Encrypted, or this very machine.
#[must_use]
pub fn is_safe(url: &Url) -> bool {
    let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    url.scheme() == "https" || (url.scheme() == "http" && loopback)
}

/// No server takes a longer address, and every link of a search is remembered.
const LINK_BYTES_MAX: usize = 4_096;

/// The pages of one search, so far.
pub struct Trail {
    name: String,
    /// Where the last page was.
    at: Url,
    seen: BTreeSet<String>,
}

/// Where a further page may be.
pub struct Step {
    /// The likeliest first; all of them on the configured server.
    pub targets: Vec<Url>,
    /// The server that the link names, if it is another.
    pub elsewhere: Option<String>,
}

impl Trail {
    #[must_use]
    pub fn new(base: &Base, name: &str) -> Self {
        let at = base.url(name, &[]).unwrap_or_else(|| base.below.clone());
        Self { name: name.to_owned(), at, seen: BTreeSet::new() }
    }

    /// `None` if the link was seen before: there the search ends.
    pub fn step(&mut self, base: &Base, next: &Next) -> Option<Step> {
        let short = next.link.len() <= LINK_BYTES_MAX;
        let known = &next.link[..next.link.floor_char_boundary(LINK_BYTES_MAX)];
        if !self.seen.insert(known.to_owned()) {
            return None;
        }
        if !short {
            return Some(Step { targets: Vec::new(), elsewhere: None });
        }
        let link = next.link.as_str();
        let (targets, elsewhere) = if link.starts_with('?') {
            (vec![self.at.join(link).ok()], None)
        } else if let Some((origin, path)) = apart(link, base) {
            let own = Url::parse(link).ok().filter(|url| url.origin() == base.below.origin());
            let elsewhere = own.is_none().then_some(origin);
            (self.mapped(base, path, next.inner_base.as_deref(), own), elsewhere)
        } else if link.starts_with('/') {
            let own = base.below.join(link).ok();
            (self.mapped(base, link, next.inner_base.as_deref(), own), None)
        } else {
            (vec![base.url(link, &[])], None)
        };
        let mut unique: Vec<Url> = Vec::new();
        for url in targets.into_iter().flatten().filter(|url| url.origin() == base.below.origin()) {
            if !unique.contains(&url) {
                unique.push(url);
            }
        }
        Some(Step { targets: unique, elsewhere })
    }

    pub fn moved_on(&mut self, at: Url) {
        self.at = at;
    }

    /// The same page below the configured base: inside, a server often has another name, and another path.
    fn mapped(&self, base: &Base, path: &str, inner: Option<&str>, own: Option<Url>) -> Vec<Option<Url>> {
        let own_below = own.as_ref().is_some_and(|url| base.holds(url));
        if own_below {
            return vec![own];
        }
        let path = path.split('#').next().unwrap_or_default();
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let inner_path = inner.and_then(|inner| apart(inner, base)).map(|(_, path)| path);
        let outer_path = base.below.path();
        let same = |start: &str| {
            format!("{path}/").strip_prefix(start).map(|rest| rest.strip_suffix('/').unwrap_or(rest).to_owned())
        };
        let named = path.rfind(&format!("/{}", self.name)).map(|at| path[at + 1..].to_owned());
        let tails = [inner_path.and_then(same), same(outer_path).filter(|_| outer_path != "/"), named];
        let mut targets: Vec<Option<Url>> = tails.into_iter().flatten().map(|tail| base.at(&tail, query)).collect();
        // The pages of a search lie at the base itself (HAPI), or under a path that nobody knows.
        targets.push(base.at("", query));
        targets.push(base.at(path.trim_start_matches('/'), query));
        targets.push(own);
        targets
    }
}

impl Base {
    fn at(&self, tail: &str, query: Option<&str>) -> Option<Url> {
        let mut url = if tail.is_empty() { self.written.clone() } else { self.below.join(tail).ok()? };
        url.set_query(query);
        self.holds(&url).then_some(url)
    }
}

/// `http://inner:8080/fhir?page=2` is `inner:8080` and `/fhir?page=2`, whatever is in its host: some proxies write the port
/// twice (`h:443:443`).
fn apart<'a>(link: &'a str, base: &Base) -> Option<(String, &'a str)> {
    let (scheme, rest) = match link.strip_prefix("//") {
        Some(rest) => (base.below.scheme(), rest),
        None => link.split_once("://")?,
    };
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return None;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let host: String = host.rsplit('@').next()?.chars().filter(char::is_ascii_graphic).take(80).collect();
    Some((host, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(link: &str, inner: Option<&str>) -> Next {
        Next { link: link.to_owned(), inner_base: inner.map(str::to_owned) }
    }

    #[test]
    fn the_base_is_kept_as_it_was_written() {
        for (url, written, below) in [
            ("https://h.example/fhir", "https://h.example/fhir", "https://h.example/fhir/Patient/7"),
            ("https://h.example/fhir/", "https://h.example/fhir/", "https://h.example/fhir/Patient/7"),
            ("https://h.example", "https://h.example/", "https://h.example/Patient/7"),
            ("https://h.example/a%20b/R4", "https://h.example/a%20b/R4", "https://h.example/a%20b/R4/Patient/7"),
            (
                "https://h.example:8443/fhir//",
                "https://h.example:8443/fhir//",
                "https://h.example:8443/fhir//Patient/7",
            ),
        ] {
            let base = Base::parse(url).unwrap();
            assert_eq!(base.written().as_str(), written, "{url}");
            assert_eq!(base.url("Patient/7", &[]).unwrap().as_str(), below, "{url}");
        }
    }

    #[test]
    fn only_https_or_loopback() {
        for (url, accepted) in [
            ("https://fhir.hospital.example/r4", true),
            ("http://127.0.0.1:8080/fhir", true),
            ("http://localhost/fhir/", true),
            ("http://fhir.hospital.example/r4", false),
            ("ftp://fhir.hospital.example", false),
            ("fhir.hospital.example", false),
            ("", false),
        ] {
            assert_eq!(Base::parse(url).is_ok(), accepted, "{url}");
        }
    }

    #[test]
    fn paths_stay_below_the_base() {
        let base = Base::parse("https://h.example/r4").unwrap();
        for (path, url) in [
            ("Patient/7", Some("https://h.example/r4/Patient/7")),
            ("https://h.example/r4/Patient/7", Some("https://h.example/r4/Patient/7")),
            ("../admin", None),
            ("https://evil.example/r4/Patient/7", None),
            ("//evil.example/r4/x", None),
        ] {
            assert_eq!(base.url(path, &[]).as_ref().map(Url::as_str), url, "{path}");
        }
        let url = base.url("Appointment", &[("date", "ge2026-11-25T00:00:00+09:00")]).unwrap();
        assert_eq!(url.query(), Some("date=ge2026-11-25T00%3A00%3A00%2B09%3A00"));
    }

    /// The likeliest place of the next page of Appointments, for a server at `base`.
    #[test]
    fn a_further_page_is_asked_for_at_the_configured_base() {
        let r4 = "https://h.example/r4";
        for (base, link, inner, target) in [
            (r4, "https://h.example/r4/Appointment?page=2", None, "https://h.example/r4/Appointment?page=2"),
            (r4, "https://h.example/r4?_getpages=a&b=%7C", None, "https://h.example/r4?_getpages=a&b=%7C"),
            (r4, "https://h.example:443/r4?_getpages=a", None, "https://h.example/r4?_getpages=a"),
            (r4, "Appointment?_offset=20", None, "https://h.example/r4/Appointment?_offset=20"),
            (r4, "?_offset=20", None, "https://h.example/r4/Appointment?_offset=20"),
            (r4, "/r4/Appointment?page=2", None, "https://h.example/r4/Appointment?page=2"),
            (r4, "/app/FHIR/r4/Appointment?page=2", None, "https://h.example/r4/Appointment?page=2"),
            (r4, "//h.example/r4/Appointment?page=2", None, "https://h.example/r4/Appointment?page=2"),
            // The inner name, with the same path, another one, or none.
            (r4, "http://inner:8080/r4?_getpages=a", None, "https://h.example/r4?_getpages=a"),
            (r4, "http://inner:8080/fhir?_getpages=a", None, "https://h.example/r4?_getpages=a"),
            (r4, "http://inner:8080/fhir/Appointment?page=2", None, "https://h.example/r4/Appointment?page=2"),
            (r4, "http://inner:8080/Appointment?page=2", None, "https://h.example/r4/Appointment?page=2"),
            (r4, "http://inner:8080?_getpages=a", None, "https://h.example/r4?_getpages=a"),
            (r4, "http://inner/x/Appointment/_search?page=2", None, "https://h.example/r4/Appointment/_search?page=2"),
            (r4, "http://inner/f/__page/ab/2?t=1", Some("http://inner/f/"), "https://h.example/r4/__page/ab/2?t=1"),
            (r4, "http://h.example/r4/Appointment?page=2", None, "https://h.example/r4/Appointment?page=2"),
            // As the proxy's own name, but not its path.
            (r4, "https://h.example/fhir?_getpages=a", None, "https://h.example/r4?_getpages=a"),
            // A slash that the proxy wants.
            ("https://h.example/r4/", "http://inner/r4?_getpages=a", None, "https://h.example/r4/?_getpages=a"),
            ("https://h.example", "http://inner/fhir?_getpages=a", None, "https://h.example/?_getpages=a"),
            ("https://h.example", "http://inner/fhir/Appointment?p=2", None, "https://h.example/Appointment?p=2"),
            // A port written twice.
            (r4, "https://h.example:443:443/r4?_getpages=a", None, "https://h.example/r4?_getpages=a"),
        ] {
            let base = Base::parse(base).unwrap();
            let step = Trail::new(&base, "Appointment").step(&base, &next(link, inner)).unwrap();
            assert_eq!(step.targets[0].as_str(), target, "{link}");
            let own = step.targets.iter().all(|url| url.origin() == base.below().origin());
            assert!(own, "nobody else is asked: {link}");
        }
    }

    #[test]
    fn what_is_no_address_of_a_page_is_not_followed() {
        let base = Base::parse("https://h.example/r4").unwrap();
        let long = format!("?page={}", "2".repeat(5_000));
        for link in [
            "javascript:alert(1)",
            "file:///etc/passwd",
            "ftp://h.example/r4/x",
            "../../admin",
            "Appointment/../../x",
            &long,
        ] {
            let step = Trail::new(&base, "Appointment").step(&base, &next(link, None)).unwrap();
            assert_eq!(step.targets, [], "{link}");
        }
    }

    #[test]
    fn a_link_seen_before_ends_the_search() {
        let base = Base::parse("https://h.example/r4").unwrap();
        let mut trail = Trail::new(&base, "Appointment");
        assert!(trail.step(&base, &next("?page=2", None)).is_some());
        assert!(trail.step(&base, &next("?page=3", None)).is_some());
        assert!(trail.step(&base, &next("?page=2", None)).is_none());
    }

    #[test]
    fn the_base_moves_on_its_own_server_only() {
        let base = Base::parse("https://h.example/r4").unwrap();
        for (location, moved) in [
            ("https://h.example/r4/", Some("https://h.example/r4/")),
            ("/r4/", Some("https://h.example/r4/")),
            ("https://h.example/r4", None),
            ("http://h.example/r4/", None),
            ("https://h.example:8443/r4/", None),
            ("https://evil.example/r4/", None),
            ("https://me@h.example/r4/", None),
        ] {
            assert_eq!(base.moved(location).as_ref().map(Url::as_str), moved, "{location}");
        }
    }
}
