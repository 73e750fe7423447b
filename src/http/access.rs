//! Who may call what: bearer keys with scopes.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Service;
use super::observe::KeyNote;
use super::problem::Problem;

/// What a key allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// Messages of every channel.
    #[serde(rename = "render")]
    Render,
    /// Web layers alone.
    #[serde(rename = "render:web")]
    RenderWeb,
    /// Test messages.
    #[serde(rename = "test")]
    Test,
    /// Settings and counts of pools.
    #[serde(rename = "pools:read")]
    PoolsRead,
    /// Imports, and settings of pools.
    #[serde(rename = "pools:write")]
    PoolsWrite,
    /// Codes and who has them.
    #[serde(rename = "codes:read")]
    CodesRead,
    /// The use of vouchers, and events.
    #[serde(rename = "redeem")]
    Redeem,
    /// Everything.
    #[serde(rename = "admin")]
    Admin,
}

/// A key as it is kept: of its secret, only the hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// What logs call it.
    pub id: String,
    /// SHA-256 of the whole key.
    pub hash: [u8; 32],
    /// What it allows.
    pub scopes: Vec<Scope>,
}

/// The keys that a service knows.
#[derive(Debug, Clone, Default)]
pub struct Keys(Vec<Key>);

impl Keys {
    /// These keys.
    pub fn new(keys: Vec<Key>) -> Keys {
        Keys(keys)
    }

    /// The key that was presented. All are compared, each in constant time.
    fn find(&self, presented: &str) -> Option<&Key> {
        let hash: [u8; 32] = Sha256::digest(presented).into();
        self.0.iter().fold(None, |found, key| if bool::from(key.hash.ct_eq(&hash)) { Some(key) } else { found })
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
        let scope = serde_json::to_value(scope).ok().and_then(|name| name.as_str().map(str::to_owned));
        let detail = format!("the key does not have the scope '{}'", scope.unwrap_or_default());
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
        Ok(Caller { key: Some(key.id.clone()), scopes: Some(key.scopes.clone()) })
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

needs!(Render, PoolsRead, PoolsWrite, CodesRead, Redeem, Admin);

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key.as_deref().unwrap_or("anybody"))
    }
}
