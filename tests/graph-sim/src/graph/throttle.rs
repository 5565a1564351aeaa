//! Throttling by resource units, as the identity service does it: a bucket per app and tenant.
//! Source: Graph page "throttling-limits".

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Refused;

/// How much an app may ask for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Throttle {
    /// Resource units per window.
    pub units: u32,
    /// The window. The bucket refills evenly over it.
    pub window: Duration,
}

impl Throttle {
    /// Microsoft's published limit for a tenant of this many users: 3,500, 5,000 or 8,000 units
    /// in ten seconds.
    pub fn for_tenant_of(users: usize) -> Self {
        let units = match users {
            0..50 => 3500,
            50..=500 => 5000,
            _ => 8000,
        };
        Self { units, window: Duration::from_secs(10) }
    }

    fn per_second(&self) -> f64 {
        f64::from(self.units) / self.window.as_secs_f64().max(0.001)
    }
}

/// The buckets of all apps.
#[derive(Debug, Default)]
pub(crate) struct Buckets {
    by_app: HashMap<Arc<str>, Bucket>,
}

#[derive(Debug)]
struct Bucket {
    level: f64,
    filled: Instant,
}

impl Buckets {
    /// Takes units from an app's bucket. Gives the share of the limit that is used up, or the
    /// refusal with the time after which there will be enough. A refused request costs a unit.
    pub(crate) fn charge(&mut self, app: &Arc<str>, units: u32, limit: Throttle) -> Result<f64, Refused> {
        let (full, rate) = (f64::from(limit.units), limit.per_second());
        let now = Instant::now();
        let bucket = self.by_app.entry(Arc::clone(app)).or_insert(Bucket { level: full, filled: now });
        let refill = now.duration_since(bucket.filled).as_secs_f64() * rate;
        bucket.level = (bucket.level + refill).min(full);
        bucket.filled = now;
        let units = f64::from(units);
        if bucket.level < units {
            bucket.level = (bucket.level - 1.0).max(-full / 10.0);
            let wait = (units - bucket.level) / rate;
            return Err(Refused::new(429, "TooManyRequests", "Too many requests.")
                .with("retry-after", format!("{:.3}", wait + 0.001))
                .with("x-ms-throttle-scope", "Tenant_Application/ReadWrite/00000000/00000000")
                .with("x-ms-throttle-information", "ResourceUnitLimitExceeded"));
        }
        bucket.level -= units;
        Ok(1.0 - bucket.level / full)
    }
}

/// What a request costs in resource units.
pub(crate) fn cost(path: &str, query: &str) -> u32 {
    let has = |name: &str| form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name);
    let path = path.trim_start_matches("/v1.0/");
    if path == "subscribedSkus" {
        return 3;
    }
    if path.split('/').next() != Some("users") || path.ends_with("/$count") {
        return 1;
    }
    let mut cost: i32 = 2;
    cost -= i32::from(has("$select").is_some());
    cost += i32::from(has("$expand").is_some());
    let small = has("$top").and_then(|(_, top)| top.parse::<u32>().ok()).is_some_and(|top| top < 20);
    cost -= i32::from(small);
    cost.max(1) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs() {
        assert_eq!(cost("/v1.0/users", ""), 2);
        assert_eq!(cost("/v1.0/users", "$select=id&$top=999"), 1);
        assert_eq!(cost("/v1.0/users", "$expand=manager"), 3);
        assert_eq!(cost("/v1.0/users", "%24top=5"), 1);
        assert_eq!(cost("/v1.0/subscribedSkus", ""), 3);
        assert_eq!(cost("/v1.0/directory/deletedItems/x", ""), 1);
    }

    #[test]
    fn an_empty_bucket_says_when_to_come_back() {
        let limit = Throttle { units: 4, window: Duration::from_secs(10) };
        let (app, mut buckets) = (Arc::from("app"), Buckets::default());
        assert!(buckets.charge(&app, 2, limit).unwrap() > 0.4);
        assert!(buckets.charge(&app, 2, limit).unwrap() > 0.9);
        let refused = buckets.charge(&app, 2, limit).unwrap_err();
        let wait: f64 = refused.headers[0].1.parse().unwrap();
        assert!(refused.status == 429 && wait > 4.0 && wait < 10.0, "{wait}");
        assert!(buckets.charge(&Arc::from("other"), 2, limit).is_ok());
    }
}
