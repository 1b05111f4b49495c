use super::ui::{App, Blocked, ServiceItem, ServiceName, ServicesData};
use super::words::rows;
use crate::domain::screen::{Service, ServiceRow, UnavailableWhy};
use slint::ComponentHandle;

pub(super) fn show(app: &App, services: &[ServiceRow]) {
    let global = app.global::<ServicesData>();
    let items = services.iter().map(item).collect();
    global.set_rows(rows(global.get_rows(), items));
}

fn item(row: &ServiceRow) -> ServiceItem {
    ServiceItem {
        service: match row.service {
            Service::CheckIn => ServiceName::CheckIn,
            Service::Documents => ServiceName::Documents,
            Service::Reprint => ServiceName::Reprint,
            Service::Information => ServiceName::Information,
        },
        blocked: match row.unavailable {
            None => Blocked::No,
            Some(UnavailableWhy::NoPrinter) => Blocked::NoPrinter,
            Some(UnavailableWhy::NoPaper) => Blocked::NoPaper,
        },
    }
}
