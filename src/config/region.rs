//! `[[regions]]`: where the platform's clients find what runs their apps.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::provider::web_address;
use super::raw::Check;

/// A region of the platform. Addresses are of hosts that answer there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Such as `osc-fr1`.
    pub name: String,
    pub display_name: String,
    /// The regional API.
    pub api: String,
    pub database_api: String,
    pub dashboard: String,
    /// The host that code is pushed to, such as `ssh.osc-fr1.example.com:22`.
    pub ssh: String,
    /// Whether clients go there where nobody says where.
    #[serde(default)]
    pub default: bool,
}

/// Checks every region; the first is the default one where none is said to be.
pub fn check_regions(check: &mut Check, mut regions: Vec<Region>) -> Vec<Region> {
    for (at, region) in regions.iter().enumerate() {
        let key = |field: &str| format!("regions[{at}].{field}");
        if region.name.trim().is_empty() {
            check.refuse(&key("name"), "is missing");
        }
        if regions
            .iter()
            .take(at)
            .any(|other| other.name == region.name)
        {
            check.refuse(&key("name"), format!("{:?} is there twice", region.name));
        }
        for (field, url) in [
            ("api", &region.api),
            ("database_api", &region.database_api),
            ("dashboard", &region.dashboard),
        ] {
            let _ = web_address(check, &key(field), url);
        }
    }
    match regions.iter().filter(|region| region.default).count() {
        0 => {
            if let Some(first) = regions.first_mut() {
                first.default = true;
            }
        }
        1 => {}
        _ => check.refuse("regions", "more than one is the default"),
    }
    regions
}
