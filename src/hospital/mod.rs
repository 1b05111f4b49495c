//! The line to the hospital: HL7 FHIR R4 (4.0.1) JSON over HTTPS, behind the port `HospitalServer`.
//!
//! `wire` holds the FHIR words and nothing else does; `client` makes one try of one thing; `sync` is the one sender
//! that makes every request arrive exactly once in effect.
//!
//! Conventions a hospital must know (also in the README):
//!
//! | fact | where it lives |
//! |---|---|
//! | hospital number | `Patient.identifier` in `[hospital] patient_system` |
//! | identity papers last seen | `Patient.extension` [`wire::IDENTITY_VERIFIED_ON`] `valueDate` |
//! | number on an appointment slip | `Appointment.identifier` in `slip_system` |
//! | came with a referral letter | `Appointment.basedOn` is not empty |
//! | came from an emergency | `Appointment.appointmentType` has code `EMERGENCY` (HL7 v2-0276) |
//! | which site of the hospital | `Appointment.extension` [`wire::SITE`] `valueString`; absent or our own name = here |
//! | when somebody arrived | `Appointment.extension` [`wire::ARRIVED_AT`] `valueDateTime`, else `meta.lastUpdated` |
//! | ticket, claim and approval numbers | identifiers in `<request_system>/ticket`, `/claim`, `/approval` |
//!
//! The hospital should put a unique index on the identifiers in `request_system` (`HAPI`: a unique combo
//! `SearchParameter`): conditional creates race on some servers.

pub mod auth;
pub mod client;
pub mod sync;
mod unhurried;
pub mod wire;
