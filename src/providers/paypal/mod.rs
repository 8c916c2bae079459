//! stub
use super::*;
use crate::config::PayPalSettings;
pub struct PayPal;
impl PayPal { pub fn open(_: &PayPalSettings) -> Result<Self, SetupError> { todo!() } }
