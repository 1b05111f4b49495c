
mod hospital;
