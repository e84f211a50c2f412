//! Who may call what: rules by the names of keys and the patterns of routes.

use std::fmt;
use std::str::FromStr;

use bulla_core::intercept::{CallHead, Ending, Interceptor};
use bulla_core::status::{Code, Status};
use bulla_core::text::escape;

use crate::address::MAX_SHOWN;
use crate::services::topics::{InvalidName, Pattern};

/// One rule: which peers, and which routes. Written `PEER=PATTERN`.
///
/// The peer is the name of a key, `-` for keys without a name, or `*` for all. The pattern is that of topics: `*` stands for one
/// segment, `>` for the rest.
///
/// ```
/// use bulla_server::AccessRule;
///
/// let rule: AccessRule = "scale-7=records.append".parse()?;
/// assert!(rule.fits(Some("scale-7"), "records.append") && !rule.fits(None, "records.append"));
/// let rule: AccessRule = "*=topics.>".parse()?;
/// assert!(rule.fits(None, "topics.publish") && !rule.fits(None, "echo"));
/// # Ok::<(), bulla_server::InvalidAccessRule>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRule {
    peer: Peer,
    routes: Pattern,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Peer {
    Named(String),
    Nameless,
    Anybody,
}

impl AccessRule {
    /// Whether the rule is about this peer and this route.
    #[must_use]
    pub fn fits(&self, peer: Option<&str>, route: &str) -> bool {
        let meant = match (&self.peer, peer) {
            (Peer::Anybody, _) | (Peer::Nameless, None) => true,
            (Peer::Named(name), Some(peer)) => name == peer,
            _ => false,
        };
        meant && self.routes.fits_route(route)
    }

    /// The name of the one key that the rule is about.
    #[must_use]
    pub fn peer(&self) -> Option<&str> {
        if let Peer::Named(name) = &self.peer { Some(name) } else { None }
    }
}

/// A text that is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAccessRule {
    /// No `=`, or nothing before it.
    #[error("{0} is no rule: expected PEER=PATTERN, such as sensor=topics.publish")]
    Form(String),
    /// What follows the `=` is no pattern.
    #[error("{rule} is no rule: its pattern is none, {error}")]
    Pattern {
        /// As given, escaped.
        rule: String,
        /// What is wrong.
        error: InvalidName,
    },
}

impl FromStr for AccessRule {
    type Err = InvalidAccessRule;

    fn from_str(text: &str) -> Result<Self, InvalidAccessRule> {
        let shown = || escape(text, MAX_SHOWN);
        let (peer, pattern) = text.split_once('=').ok_or_else(|| InvalidAccessRule::Form(shown()))?;
        let peer = match peer.trim() {
            "" => return Err(InvalidAccessRule::Form(shown())),
            "*" => Peer::Anybody,
            "-" => Peer::Nameless,
            name => Peer::Named(name.to_owned()),
        };
        let routes = pattern.trim().parse().map_err(|error| InvalidAccessRule::Pattern { rule: shown(), error })?;
        Ok(Self { peer, routes })
    }
}

impl fmt::Display for AccessRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let peer = match &self.peer {
            Peer::Named(name) => name,
            Peer::Nameless => "-",
            Peer::Anybody => "*",
        };
        write!(f, "{peer}={}", self.routes.as_str())
    }
}

/// An [interceptor](crate::Builder::intercept) that lets calls through by rules.
///
/// What a `deny` rule fits is refused. If there are `allow` rules, what none of them fits is refused, too. A refusal is
/// `PERMISSION_DENIED`, and does not tell whether there is such a route.
///
/// ```
/// use bulla_server::{Access, Server};
///
/// let access = Access::default().allow("*=info".parse()?).allow("scale-7=records.append".parse()?);
/// let builder = Server::builder().intercept(access);
/// # Ok::<(), bulla_server::InvalidAccessRule>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    allow: Vec<AccessRule>,
    deny: Vec<AccessRule>,
}

impl Access {
    /// One more rule that lets calls through.
    #[must_use]
    pub fn allow(mut self, rule: AccessRule) -> Self {
        self.allow.push(rule);
        self
    }

    /// One more rule that refuses calls.
    #[must_use]
    pub fn deny(mut self, rule: AccessRule) -> Self {
        self.deny.push(rule);
        self
    }

    /// Whether there is no rule: then every call is let through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.allow.is_empty() && self.deny.is_empty()
    }

    /// All rules.
    pub fn rules(&self) -> impl Iterator<Item = &AccessRule> {
        self.allow.iter().chain(&self.deny)
    }

    /// Whether a peer may call a route.
    #[must_use]
    pub fn permits(&self, peer: Option<&str>, route: &str) -> bool {
        let fits = |rule: &AccessRule| rule.fits(peer, route);
        !self.deny.iter().any(fits) && (self.allow.is_empty() || self.allow.iter().any(fits))
    }
}

impl Interceptor for Access {
    fn begin(&self, call: &mut CallHead<'_>) -> Result<Ending, Status> {
        if self.permits(call.peer, call.route) {
            return Ok(Ending::none());
        }
        let who = call.peer.map_or_else(|| "a key without a name".to_owned(), |name| format!("the key {name}"));
        tracing::debug!(peer = %call.remote, route = call.route, "refused: {who} may not call it");
        Err(Status::new(Code::PermissionDenied, format_args!("{who} may not call {} on this server", call.route)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(allow: &[&str], deny: &[&str]) -> Access {
        let access = allow.iter().fold(Access::default(), |access, rule| access.allow(rule.parse().unwrap()));
        deny.iter().fold(access, |access, rule| access.deny(rule.parse().unwrap()))
    }

    #[test]
    fn without_allow_rules_all_is_allowed_that_is_not_denied() {
        let access = access(&[], &["lab=records.>", "-=echo"]);
        for (peer, route, permitted) in [
            (Some("lab"), "records.append", false),
            (Some("lab"), "echo", true),
            (Some("lab2"), "records.append", true),
            (None, "echo", false),
            (None, "records.append", true),
        ] {
            assert_eq!(access.permits(peer, route), permitted, "{peer:?} {route}");
        }
    }

    #[test]
    fn with_allow_rules_nothing_else_is_and_deny_comes_first() {
        let access = access(&["*=info", "lab=records.*", "-=echo"], &["lab=records.get"]);
        for (peer, route, permitted) in [
            (Some("lab"), "info", true),
            (Some("lab"), "records.append", true),
            (Some("lab"), "records.get", false),
            (Some("lab"), "records", false),
            (Some("lab"), "records.a.b", false),
            (Some("lab"), "echo", false),
            (None, "echo", true),
            (None, "records.append", false),
            (Some("-"), "echo", false),
            (Some("*"), "records.append", false),
        ] {
            assert_eq!(access.permits(peer, route), permitted, "{peer:?} {route}");
        }
    }

    #[test]
    fn a_route_that_no_topic_could_be_named_for_has_rules_all_the_same() {
        for route in ["*", ">", "a..b", ".", "a.*", "(x)"] {
            assert!(!access(&[], &["*=>"]).permits(None, route), "{route}");
            assert!(!access(&["*=a"], &[]).permits(None, route), "{route}");
        }
    }

    #[test]
    fn rules_read_as_they_were_written_and_slips_are_named() {
        for rule in ["lab=records.*", "-=echo", "*=>"] {
            assert_eq!(rule.parse::<AccessRule>().unwrap().to_string(), rule);
        }
        let error = |text: &str| text.parse::<AccessRule>().unwrap_err().to_string();
        assert_eq!(error("echo"), "echo is no rule: expected PEER=PATTERN, such as sensor=topics.publish");
        assert_eq!(error("=echo"), "=echo is no rule: expected PEER=PATTERN, such as sensor=topics.publish");
        assert_eq!(error("lab="), "lab= is no rule: its pattern is none, a segment is empty");
    }
}
