use crate::domain::facility::Facility;
use std::sync::{Arc, PoisonError, RwLock};

/// The facility's configuration that holds now. It changes between two visits (`Input::Facility`), never in one: whoever needs
/// some of it asks here each time, and keeps no copy.
#[derive(Clone)]
pub struct InForce(Arc<RwLock<Arc<Facility>>>);

impl InForce {
    #[must_use]
    pub fn now(&self) -> Arc<Facility> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn put(&self, facility: Arc<Facility>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = facility;
    }
}

impl From<Arc<Facility>> for InForce {
    fn from(facility: Arc<Facility>) -> Self {
        Self(Arc::new(RwLock::new(facility)))
    }
}

impl From<Facility> for InForce {
    fn from(facility: Facility) -> Self {
        Arc::new(facility).into()
    }
}
