//! What a server can do, from its `CapabilityStatement` (`GET /metadata`, FHIR R4 chapter 2.21.0.1).

use super::primitive::one_line;
use crate::ports::Software;
use serde_json::Value;

/// What the kiosk must know before it freezes a bundle.
///
/// Unknown (never reached) is the cautious set: what every billing server has, and no `PaymentNotice`. A frozen bundle
/// cannot be mended, so a payment that might be refused is folded into `Task.input`, which every server takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a list of independent yes or no answers")]
pub struct Capabilities {
    pub charge_item: bool,
    pub invoice: bool,
    pub payment_notice: bool,
    pub device: bool,
    /// `application/json-patch+json` on `Appointment`; else GET, modify, PUT.
    pub json_patch: bool,
    /// `ifNoneExist` on a `Task`. Without it a request is one `Task` with everything in it, looked for before each send.
    pub conditional_create: bool,
    /// It keeps the head of the kiosk's trail, created or put under an id of the kiosk's.
    pub audit_event: bool,
    pub audit_event_put: bool,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            charge_item: true,
            invoice: true,
            payment_notice: false,
            device: false,
            json_patch: true,
            conditional_create: true,
            audit_event: false,
            audit_event_put: false,
        }
    }
}

impl Capabilities {
    /// `None` if `statement` is no capability statement of a server.
    #[must_use]
    pub fn read(statement: &Value) -> Option<Self> {
        if statement["resourceType"] != "CapabilityStatement" {
            return None;
        }
        let resources =
            statement["rest"].as_array()?.iter().find(|rest| rest["mode"] == "server")?["resource"].as_array()?;
        let of = |name: &str| resources.iter().find(|resource| resource["type"] == name);
        // Only a server that says no cannot: silence is tried, and the look before a replay holds all the same.
        let conditional_create = of("Task").is_none_or(|task| task["conditionalCreate"] != false);
        let creates = |name: &str| conditional_create && of(name).is_some_and(creates_once);
        let puts = |event: &Value| interacts(event, "update") && event["updateCreate"] == true;
        let audit_event_put = of("AuditEvent").is_some_and(puts);
        Some(Self {
            audit_event: audit_event_put || of("AuditEvent").is_some_and(|event| interacts(event, "create")),
            audit_event_put,
            charge_item: creates("ChargeItem"),
            invoice: creates("Invoice"),
            payment_notice: creates("PaymentNotice"),
            device: creates("Device"),
            conditional_create,
            json_patch: of("Appointment").is_some_and(|appointment| interacts(appointment, "patch"))
                && patches_json(statement),
        })
    }

    /// What is missing, and how it is done instead.
    fn other_ways(self) -> Vec<&'static str> {
        let ways = [
            (
                self.conditional_create,
                "no conditional create: everything goes into one Task, looked for before it is sent",
            ),
            (self.payment_notice || !self.conditional_create, "no PaymentNotice: the payment goes into the Task"),
            (self.invoice || !self.conditional_create, "no Invoice: the desk bills from the Task"),
            (self.charge_item || !self.conditional_create, "no ChargeItem: the prices go into the Task"),
            (self.device, "no Device: requests name the kiosk by its serial number"),
            (self.json_patch, "no JSON Patch: a check-in rewrites the appointment"),
            (self.audit_event, "no AuditEvent: keep the trail's head elsewhere (`kiosk audit verify` tells it)"),
        ];
        ways.into_iter().filter(|(can, _)| !can).map(|(_, way)| way).collect()
    }
}

/// One line for a technician: who answers, and what of the kiosk's wishes is done another way. `Err` says why this server
/// will not do.
///
/// # Errors
/// It is no FHIR R4 server, has no `Task`, or declares that it runs no transactions.
pub fn describe(statement: &Value) -> Result<String, String> {
    let can = Capabilities::read(statement)
        .ok_or("what answers there is no FHIR server: is hospital.url the base URL, without /metadata?")?;
    let version = statement["fhirVersion"].as_str().unwrap_or("of unknown version");
    if !version.starts_with("4.") {
        return Err(format!("the server speaks FHIR {version}; the kiosk needs R4 (4.0.1)"));
    }
    let rest = statement["rest"].as_array().into_iter().flatten().find(|rest| rest["mode"] == "server");
    let rest = rest.unwrap_or(&Value::Null);
    if !rest["resource"].as_array().into_iter().flatten().any(|resource| resource["type"] == "Task") {
        return Err("the server keeps no Task: no request can be left there".to_owned());
    }
    // An empty list says nothing of what the system can do.
    let silent = rest["interaction"].as_array().is_none_or(Vec::is_empty);
    if !silent && !interacts(rest, "transaction") {
        return Err("the server runs no transactions: a payment could arrive without its request".to_owned());
    }
    let Software { name, .. } = software(statement);
    let name = if name.is_empty() { "a server without a name".to_owned() } else { name };
    let ways = can.other_ways();
    let ways = if ways.is_empty() { "it can do all that the kiosk asks".to_owned() } else { ways.join("; ") };
    Ok(format!("FHIR {version}, {name}: {ways}"))
}

/// A name longer than this is no name.
const NAME_MAX_CHARS: usize = 64;

/// What answers, as it names itself.
#[must_use]
pub fn software(statement: &Value) -> Software {
    let short = |value: &Value| one_line(value.as_str().unwrap_or_default(), NAME_MAX_CHARS);
    let software = &statement["software"];
    Software {
        fhir: short(&statement["fhirVersion"]),
        name: short(&software["name"]),
        version: short(&software["version"]),
    }
}

/// Creates it, conditionally, and finds it again by identifier; a server that keeps silent on the latter two may.
fn creates_once(resource: &Value) -> bool {
    let searchable = resource["searchParam"].as_array().is_none_or(|parameters| {
        parameters.is_empty() || parameters.iter().any(|parameter| parameter["name"] == "identifier")
    });
    interacts(resource, "create") && resource["conditionalCreate"] != false && searchable
}

fn interacts(resource: &Value, code: &str) -> bool {
    resource["interaction"].as_array().is_some_and(|list| list.iter().any(|interaction| interaction["code"] == code))
}

/// `patchFormat` is optional: silence is tried, and answered by PUT if the server refuses.
fn patches_json(statement: &Value) -> bool {
    statement["patchFormat"].as_array().is_none_or(|formats| {
        formats.iter().any(|format| format.as_str().is_some_and(|format| format.contains("json-patch")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn statement(resources: &Value) -> Value {
        json!({"resourceType": "CapabilityStatement", "rest": [{"mode": "server", "resource": resources}]})
    }

    #[test]
    fn only_what_is_declared_counts() {
        let create = json!([{"code": "create"}, {"code": "patch"}]);
        let full = |name: &str| json!({"type": name, "interaction": create, "conditionalCreate": true, "searchParam": [{"name": "identifier"}]});
        let cases = [
            (json!([full("ChargeItem"), full("Invoice"), full("PaymentNotice")]), [true, true, true]),
            (json!([full("ChargeItem"), full("Invoice")]), [true, true, false]),
            (json!([{"type": "PaymentNotice", "interaction": [{"code": "read"}]}]), [false, false, false]),
            (
                json!([{"type": "PaymentNotice", "interaction": create, "conditionalCreate": false}]),
                [false, false, false],
            ),
            (
                json!([{"type": "PaymentNotice", "interaction": create, "searchParam": [{"name": "status"}]}]),
                [false, false, false],
            ),
            (json!([{"type": "PaymentNotice", "interaction": create}]), [false, false, true]),
        ];
        for (resources, [charge_item, invoice, payment_notice]) in cases {
            let read = Capabilities::read(&statement(&resources)).expect("a statement");
            assert_eq!(
                [read.charge_item, read.invoice, read.payment_notice],
                [charge_item, invoice, payment_notice],
                "{resources}"
            );
        }
        assert_eq!(Capabilities::read(&json!({"resourceType": "OperationOutcome"})), None);
    }

    #[test]
    fn json_patch_needs_the_interaction_and_no_other_format() {
        let mut read = statement(&json!([{"type": "Appointment", "interaction": [{"code": "patch"}]}]));
        assert!(Capabilities::read(&read).expect("a statement").json_patch);
        read["patchFormat"] = json!(["application/fhir+json"]);
        assert!(!Capabilities::read(&read).expect("a statement").json_patch);
        read["patchFormat"] = json!(["application/fhir+json", "application/json-patch+json"]);
        assert!(Capabilities::read(&read).expect("a statement").json_patch);
    }

    #[test]
    fn a_server_that_will_not_do_is_told_apart_from_one_that_lacks_something() {
        let task = json!([{"type": "Task", "interaction": [{"code": "create"}]}]);
        let mut server = statement(&task);
        server["fhirVersion"] = json!("4.0.1");
        server["software"] = json!({"name": "Onsaemi FHIR"});
        let line = describe(&server).expect("good enough");
        assert!(line.starts_with("FHIR 4.0.1, Onsaemi FHIR: no PaymentNotice"), "{line}");
        server["rest"][0]["interaction"] = json!([{"code": "batch"}]);
        assert!(describe(&server).expect_err("a batch server").contains("no transactions"));
        server["rest"][0]["interaction"] = json!([{"code": "batch"}, {"code": "transaction"}]);
        describe(&server).expect("good enough");
        server["rest"][0]["resource"] = json!([{"type": "Patient"}]);
        assert!(describe(&server).expect_err("no Task").contains("no Task"));
        server["fhirVersion"] = json!("3.0.2");
        assert!(describe(&server).expect_err("STU3").contains("needs R4"));
    }

    #[test]
    fn without_conditional_create_everything_is_folded_into_the_task() {
        let once = json!([{"code": "create"}]);
        let mut server = statement(&json!([
            {"type": "Task", "interaction": once, "conditionalCreate": false},
            {"type": "Invoice", "interaction": once, "conditionalCreate": true},
            {"type": "Device", "interaction": once}]));
        let can = Capabilities::read(&server).expect("a statement");
        assert_eq!((can.conditional_create, can.invoice, can.device), (false, false, false));
        server["rest"][0]["resource"][0]["conditionalCreate"] = json!(true);
        let can = Capabilities::read(&server).expect("a statement");
        assert_eq!((can.conditional_create, can.invoice, can.device), (true, true, true));
    }
}
