//! A container of the trace to usage. The same trace gives the same usage, on
//! every machine.

use std::num::NonZeroU32;

use quittance::domain::calendar::Instant;

use super::trace::{Pod, Qos};

/// Apps of an account.
const APPS: u64 = 4;

/// The memory of the container sizes, in MiB, smallest first.
const SIZES: [(&str, u32); 6] = [
    ("S", 256),
    ("M", 512),
    ("L", 1_024),
    ("XL", 2_048),
    ("2XL", 4_096),
    (LARGEST.0, LARGEST.1),
];
/// More memory than this takes several of it.
const LARGEST: (&str, u32) = ("3XL", 8_192);

const MICROSECONDS: i64 = 1_000_000;

/// Where the containers go, and when.
#[derive(Debug, Clone, Copy)]
pub struct Mapping {
    accounts: NonZeroU32,
    /// The trace's last time, in its own seconds.
    trace_end: u32,
    /// The same in real time.
    month_end: Instant,
}

/// A row of the usage file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage<'a> {
    pub id: &'a str,
    pub account: String,
    pub app: String,
    pub resource_type: &'static str,
    pub plan: &'static str,
    pub quantity: u32,
    pub started_at: Instant,
    /// `None` for a container that still runs.
    pub ended_at: Option<Instant>,
}

impl Mapping {
    /// Lays the latest time of the trace on the end of a month.
    pub fn new(pods: &[Pod], accounts: NonZeroU32, month_end: Instant) -> Self {
        let times = pods.iter().flat_map(|pod| [pod.scheduled, pod.deleted]);
        Self {
            accounts,
            trace_end: times.flatten().max().unwrap_or(0),
            month_end,
        }
    }

    /// The usage of a container; `None` when it was never scheduled, so never
    /// ran.
    pub fn usage<'a>(&self, pod: &'a Pod) -> Option<Usage<'a>> {
        let started_at = self.instant(pod.scheduled?);
        // What was there until the trace was cut has no end that anyone saw.
        let deleted = pod.deleted.filter(|deleted| *deleted < self.trace_end);
        let hash = fnv1a(pod.name.as_bytes());
        let account = hash % u64::from(self.accounts.get());
        let app = (hash >> 32) % APPS;
        let (plan, quantity) = size(pod.memory_mib);
        Some(Usage {
            id: &pod.name,
            account: account_id(account),
            app: format!("app-{app}"),
            resource_type: match pod.qos {
                Qos::LatencySensitive | Qos::Guaranteed => "web",
                Qos::Burstable | Qos::BestEffort => "worker",
            },
            plan,
            quantity,
            started_at,
            ended_at: deleted.map(|deleted| self.instant(deleted)),
        })
    }

    fn instant(&self, seconds: u32) -> Instant {
        let before_end = i64::from(self.trace_end) - i64::from(seconds);
        Instant(self.month_end.0 - before_end * MICROSECONDS)
    }
}

/// The id of an account by its number, from 0.
pub fn account_id(number: impl Into<u64>) -> String {
    format!("tenant-{:04}", number.into())
}

/// The smallest size that holds so much memory, or several of the largest.
fn size(memory_mib: u32) -> (&'static str, u32) {
    SIZES
        .into_iter()
        .find(|(_, holds)| memory_mib <= *holds)
        .map_or_else(
            || (LARGEST.0, memory_mib.div_ceil(LARGEST.1)),
            |(plan, _)| (plan, 1),
        )
}

/// The FNV-1a hash of 64 bits: unlike the standard library's, it never changes.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use quittance::domain::calendar::BillingPeriod;

    fn pod(name: &str, memory_mib: u32, scheduled: Option<u32>, deleted: Option<u32>) -> Pod {
        Pod {
            name: name.to_owned(),
            memory_mib,
            qos: Qos::BestEffort,
            deleted,
            scheduled,
        }
    }

    fn mapping(trace_end: u32) -> Mapping {
        let key = "2026-10".parse().unwrap();
        let october = BillingPeriod::new(key, chrono_tz::Europe::Paris).unwrap();
        let pods = [
            pod("a", 0, Some(0), Some(trace_end)),
            pod("b", 0, Some(5), None),
        ];
        Mapping::new(&pods, NonZeroU32::new(200).unwrap(), october.end)
    }

    #[test]
    fn the_smallest_size_that_holds_the_memory() {
        let table = [
            (0, "S", 1),
            (256, "S", 1),
            (257, "M", 1),
            (512, "M", 1),
            (1_000, "L", 1),
            (1_025, "XL", 1),
            (4_096, "2XL", 1),
            (4_097, "3XL", 1),
            (8_192, "3XL", 1),
            (8_193, "3XL", 2),
            (16_384, "3XL", 2),
            (737_280, "3XL", 90),
            (u32::MAX, "3XL", 524_288),
        ];
        for (memory_mib, plan, quantity) in table {
            assert_eq!(size(memory_mib), (plan, quantity), "{memory_mib}");
        }
    }

    #[test]
    fn the_end_of_the_trace_is_the_end_of_the_month() {
        // (scheduled, deleted, started at, ended at); the trace ends at 100,000.
        let table = [
            (
                Some(0),
                Some(99_999),
                "2026-10-30T19:13:20Z",
                Some("2026-10-31T22:59:59Z"),
            ),
            (
                Some(13_600),
                Some(13_600),
                "2026-10-30T23:00:00Z",
                Some("2026-10-30T23:00:00Z"),
            ),
            (Some(99_940), Some(100_000), "2026-10-31T22:59:00Z", None),
            (Some(99_940), None, "2026-10-31T22:59:00Z", None),
        ];
        for (scheduled, deleted, started_at, ended_at) in table {
            let pod = pod("p", 512, scheduled, deleted);
            let usage = mapping(100_000).usage(&pod).unwrap();
            assert_eq!(usage.started_at.to_string(), started_at);
            assert_eq!(
                usage.ended_at.map(|end| end.to_string()).as_deref(),
                ended_at
            );
        }
        assert_eq!(mapping(100_000).usage(&pod("p", 512, None, Some(7))), None);
    }

    #[test]
    fn a_name_always_has_the_same_account_and_app() {
        // The published vectors of FNV-1a.
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
        let table = [
            ("openb-pod-0000", "tenant-0126", "app-0"),
            ("openb-pod-0001", "tenant-0137", "app-0"),
            ("openb-pod-8151", "tenant-0119", "app-0"),
        ];
        for (name, account, app) in table {
            let pod = pod(name, 512, Some(0), None);
            let usage = mapping(100).usage(&pod).unwrap();
            assert_eq!(
                (usage.account.as_str(), usage.app.as_str()),
                (account, app),
                "{name}"
            );
        }
    }

    #[test]
    fn what_serves_requests_is_web() {
        let table = [
            (Qos::LatencySensitive, "web"),
            (Qos::Guaranteed, "web"),
            (Qos::Burstable, "worker"),
            (Qos::BestEffort, "worker"),
        ];
        for (qos, resource_type) in table {
            let pod = Pod {
                qos,
                ..pod("p", 512, Some(0), None)
            };
            let usage = mapping(100).usage(&pod).unwrap();
            assert_eq!(usage.resource_type, resource_type, "{qos:?}");
        }
    }
}
