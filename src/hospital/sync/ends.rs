use crate::ports::{Anchors, Deliveries, HospitalServer, Queue, Retention, ScheduleCache, Schedules, Store, Trail};
use std::sync::Arc;

/// What the sender stands between, and what is done beside it over the same line.
pub struct Ends {
    pub queue: Arc<dyn Queue>,
    pub retention: Arc<dyn Retention>,
    pub deliveries: Arc<dyn Deliveries>,
    /// Today's schedule is kept for when the line is down.
    pub schedule: Option<(Arc<dyn ScheduleCache>, Arc<dyn Schedules>)>,
    /// The head of the trail is left at the hospital.
    pub trail: Option<(Arc<dyn Trail>, Arc<dyn Anchors>)>,
}

impl Ends {
    /// All of it, between a whole store and a whole server.
    pub fn of(store: &Arc<dyn Store>, server: &Arc<dyn HospitalServer>) -> Self {
        Self {
            queue: store.clone(),
            retention: store.clone(),
            deliveries: server.clone(),
            schedule: Some((store.clone(), server.clone())),
            trail: Some((store.clone(), server.clone())),
        }
    }
}
