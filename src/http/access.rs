//! Who may call what: bearer keys with scopes.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};

use super::Service;
use super::observe::KeyNote;
use super::problem::Problem;
use crate::error::{Error, ErrorKind};

/// What a key allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Messages of every channel.
    Render,
    /// Web layers alone.
    RenderWeb,
    /// Test messages.
    Test,
    /// Settings and counts of pools.
    PoolsRead,
    /// Imports, and settings of pools.
    PoolsWrite,
    /// Codes and who has them.
    CodesRead,
    /// The use of vouchers, and events.
    Redeem,
    /// Everything.
    Admin,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Scope; 8] = [
        Scope::Render,
        Scope::RenderWeb,
        Scope::Test,
        Scope::PoolsRead,
        Scope::PoolsWrite,
        Scope::CodesRead,
        Scope::Redeem,
        Scope::Admin,
    ];

    /// The name that files and the command line use.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Render => "render",
            Scope::RenderWeb => "render:web",
            Scope::Test => "test",
            Scope::PoolsRead => "pools:read",
            Scope::PoolsWrite => "pools:write",
            Scope::CodesRead => "codes:read",
            Scope::Redeem => "redeem",
            Scope::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Scope, Error> {
        Scope::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or_else(|| {
            let known = Scope::ALL.map(Scope::as_str).join(", ");
            Error::new(ErrorKind::InvalidInput, format!("unknown scope '{text}'"))
                .with_help(format!("use some of {known}"))
        })
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Scope, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Who calls.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// The id of the key; none where no key is needed.
    pub(super) key: Option<String>,
    scopes: Option<Vec<Scope>>,
}

impl Caller {
    /// Whether the caller may do what needs this scope.
    pub(super) fn has(&self, scope: Scope) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| scopes.contains(&scope) || scopes.contains(&Scope::Admin))
    }

    /// Refuses the call where it may not.
    pub(super) fn must_have(&self, scope: Scope) -> Result<(), Problem> {
        if self.has(scope) {
            return Ok(());
        }
        let detail = format!("the key does not have the scope '{scope}'");
        Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail))
    }
}

impl FromRequestParts<Arc<Service>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Caller, Problem> {
        let Some(keys) = &service.keys else { return Ok(Caller { key: None, scopes: None }) };
        let header = parts.headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok());
        let presented = header.and_then(|header| header.strip_prefix("Bearer ")).map(str::trim);
        let key = presented.and_then(|presented| keys.find(presented)).ok_or_else(unknown_key)?;
        if let Some(note) = parts.extensions.get::<KeyNote>() {
            note.write(&key.id);
        }
        Ok(Caller { key: Some(key.id), scopes: Some(key.scopes) })
    }
}

fn unknown_key() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "the call has no key, or one that is not known")
        .with_help("send 'Authorization: Bearer KEY'; 'tearoff key create' makes keys")
}

/// What a call needs.
pub(super) trait Needs: Send {
    const SCOPE: Scope;
}

/// A caller who may do what `N` needs. It stands before the body in a call's arguments, so that nobody else's body is read.
#[derive(Debug)]
pub(super) struct Allowed<N>(pub(super) Caller, PhantomData<N>);

impl<N: Needs> FromRequestParts<Arc<Service>> for Allowed<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Allowed<N>, Problem> {
        let caller = Caller::from_request_parts(parts, service).await?;
        caller.must_have(N::SCOPE)?;
        Ok(Allowed(caller, PhantomData))
    }
}

macro_rules! needs {
    ($($name:ident),*) => {
        $(
            #[derive(Debug)]
            pub(super) struct $name;
            impl Needs for $name {
                const SCOPE: Scope = Scope::$name;
            }
        )*
    };
}

needs!(Render, PoolsRead, PoolsWrite, CodesRead, Redeem);

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key.as_deref().unwrap_or("anybody"))
    }
}
