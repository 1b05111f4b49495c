//! What a server can do, from its `CapabilityStatement` (`GET /metadata`, FHIR R4 chapter 2.21.0.1).

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
}

impl Default for Capabilities {
    fn default() -> Self {
        Self { charge_item: true, invoice: true, payment_notice: false, device: false, json_patch: true }
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
        let creates = |name: &str| of(name).is_some_and(creates_once);
        Some(Self {
            charge_item: creates("ChargeItem"),
            invoice: creates("Invoice"),
            payment_notice: creates("PaymentNotice"),
            device: creates("Device"),
            json_patch: of("Appointment").is_some_and(|appointment| interacts(appointment, "patch"))
                && patches_json(statement),
        })
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
}
