//! The certificate of the local org: an authority made for this one purpose,
//! whose key is thrown away once it has signed, and what it signed for
//! `localhost` and 127.0.0.1. Clients are told to trust the authority's file.

use std::path::Path;
use std::path::PathBuf;

use crate::disk;
use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::DnType;
use rcgen::IsCa;
use rcgen::Issuer;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;

const AUTHORITY: &str = "certificate.pem";
const OWN: &str = "server.pem";
const KEY: &str = "server.key";

/// How long it is good for, in days: as long as all clients accept.
const DAYS: i64 = 820;

/// A certificate that is in use.
pub struct Certificate {
    /// The file that clients are to trust.
    pub file: PathBuf,
    /// What the listener serves with.
    pub config: ServerConfig,
}

fn failed(error: impl std::fmt::Display) -> std::io::Error {
    std::io::Error::other(error.to_string())
}

/// The certificate of a folder; made anew where there is none, or where it is
/// no longer good for half of its time.
///
/// # Errors
/// When the folder can't be read or written.
pub fn open(folder: &Path, now: i64) -> std::io::Result<Certificate> {
    disk::folder(folder)?;
    let until = disk::read(&folder.join("until")).unwrap_or_default();
    let until: i64 = String::from_utf8_lossy(&until).trim().parse().unwrap_or(0);
    if until < now + DAYS / 2 * 86_400 {
        make(folder, now).map_err(failed)??;
    }
    load(folder).or_else(|_| {
        make(folder, now).map_err(failed)??;
        load(folder)
    })
}

fn load(folder: &Path) -> std::io::Result<Certificate> {
    let chain = CertificateDer::from_pem_slice(&disk::read(&folder.join(OWN))?).map_err(failed)?;
    let key = PrivateKeyDer::from_pem_slice(&disk::read(&folder.join(KEY))?).map_err(failed)?;
    // The second installation in a process is refused and needs nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .map_err(failed)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Certificate { file: folder.join(AUTHORITY), config })
}

fn make(folder: &Path, now: i64) -> Result<std::io::Result<()>, rcgen::Error> {
    let until = now + DAYS * 86_400;
    let day = |seconds: i64| {
        let date = super::timestamp(seconds);
        let part =
            |range: std::ops::Range<usize>| date.get(range).and_then(|part| part.parse().ok());
        let (month, day) = (part(5..7).unwrap_or(1), part(8..10).unwrap_or(1));
        let year = date.get(..4).and_then(|year| year.parse().ok()).unwrap_or(1970);
        rcgen::date_time_ymd(year, month, day)
    };
    let dated = |params: &mut CertificateParams, name: &str| {
        params.not_before = day(now - 86_400);
        params.not_after = day(until);
        params.distinguished_name.push(DnType::CommonName, name);
    };
    let mut authority = CertificateParams::default();
    dated(&mut authority, "orgform local org");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_key = KeyPair::generate()?;
    let authority_certificate = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);

    let mut own =
        CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()])?;
    dated(&mut own, "localhost");
    own.use_authority_key_identifier_extension = true;
    own.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let own_key = KeyPair::generate()?;
    let own_certificate = own.signed_by(&own_key, &issuer)?;

    let write = || {
        let put = |name: &str, text: String| disk::replace(&folder.join(name), text.as_bytes());
        put(AUTHORITY, authority_certificate.pem())?;
        put(OWN, own_certificate.pem())?;
        put(KEY, own_key.serialize_pem())?;
        put("until", until.to_string())
    };
    Ok(write())
}
