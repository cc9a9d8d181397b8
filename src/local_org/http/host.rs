//! What a `Host` header may be for a page that is only shown on this machine, or by an
//! address in numbers.

/// Whether a host is this machine by its own name, or any by its number: a name
/// that somebody else gave it is not repeated.
pub fn is_address(host: &str) -> bool {
    let is_localhost = |name: &str| name.eq_ignore_ascii_case("localhost");
    host.parse::<std::net::SocketAddr>().is_ok()
        || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok()
        || is_localhost(host)
        || host
            .rsplit_once(':')
            .is_some_and(|(name, port)| is_localhost(name) && port.parse::<u16>().is_ok())
}
