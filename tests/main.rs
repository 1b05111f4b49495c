mod paper;
mod printing;
