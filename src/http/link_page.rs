//! The pages that links in mails lead to. Looking at one does nothing, so that whatever
//! follows links in mails does no harm: only the button on it does. The link is in no
//! log, no cache and no referrer.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::domain::account::Language;
use crate::html::escaped;

/// The token of a query or form: hex digits, so nothing of it is encoded.
pub fn token_in(pairs: &str) -> Option<&str> {
    let token = pairs
        .split('&')
        .find_map(|pair| pair.strip_prefix("token="))?;
    let is_token = !token.is_empty()
        && token.len() <= 128
        && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_token.then_some(token)
}

/// The language that a browser asks for first, where no account says another.
pub fn wanted(headers: &HeaderMap) -> Language {
    let accepted = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if accepted.trim_start().to_ascii_lowercase().starts_with("fr") {
        Language::French
    } else {
        Language::English
    }
}

pub const fn pick(language: Language, english: &'static str, french: &'static str) -> &'static str {
    match language {
        Language::English => english,
        Language::French => french,
    }
}

/// What a page says: a heading, paragraphs, and the button with its token.
pub struct Content<'a> {
    pub title: &'static str,
    pub paragraphs: Vec<String>,
    pub links: Vec<Link>,
    pub button: Option<Button<'a>>,
}

/// A way to a file.
pub struct Link {
    pub label: String,
    pub href: String,
}

impl Content<'_> {
    /// What has no button.
    pub fn said(title: &'static str, words: &str) -> Self {
        Self {
            title,
            paragraphs: vec![words.to_owned()],
            links: Vec::new(),
            button: None,
        }
    }
}

/// A button that does what the page is about.
pub struct Button<'a> {
    pub label: &'static str,
    /// Where it leads, from the page.
    pub action: &'static str,
    pub token: &'a str,
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;color:#1c2530;background:#f4f6f8;margin:0}\
     main{max-width:34rem;margin:12vh auto;padding:2rem 2.25rem;background:#fff;border:1px solid #dde3e9;\
     border-radius:12px}h1{font-size:1.4rem;line-height:1.3;margin:0 0 1rem}p{margin:0 0 1rem}ul{list-style:none;margin:0;padding:0}li{border-top:1px solid #dde3e9}\
     li a{display:block;padding:.6rem 0;color:inherit}\
     button{font:inherit;font-weight:600;color:#fff;background:#b3261e;border:0;border-radius:8px;\
     padding:.7rem 1.2rem;cursor:pointer}button:hover{background:#8f1d17}\
     button:focus-visible{outline:3px solid #1c2530;outline-offset:2px}\
     @media(prefers-color-scheme:dark){body{color:#e6ebf0;background:#12171c}\
     main{background:#1b222a;border-color:#2d3740}button:focus-visible{outline-color:#e6ebf0}}\
     @media(max-width:38rem){main{margin:0;min-height:100vh;box-sizing:border-box;border:0;border-radius:0}}";

pub fn page(status: StatusCode, language: Language, content: &Content<'_>) -> Response {
    let title = content.title;
    let mut html = format!(
        "<!doctype html>\n<html lang=\"{language}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"robots\" content=\"noindex\"><title>{title}</title><style>{STYLE}</style></head>\
         <body><main><h1>{title}</h1>"
    );
    for paragraph in &content.paragraphs {
        html.push_str("<p>");
        html.push_str(&escaped(paragraph));
        html.push_str("</p>");
    }
    if !content.links.is_empty() {
        html.push_str("<ul>");
        for link in &content.links {
            html.push_str(&format!(
                "<li><a href=\"{}\">{}</a></li>",
                escaped(&link.href),
                escaped(&link.label)
            ));
        }
        html.push_str("</ul>");
    }
    if let Some(Button {
        label,
        action,
        token,
    }) = content.button
    {
        html.push_str(&format!(
            "<form method=\"post\" action=\"{action}\"><input type=\"hidden\" name=\"token\" value=\"{}\">\
             <button type=\"submit\">{label}</button></form>",
            escaped(token)
        ));
    }
    html.push_str("</main></body></html>\n");
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'",
        ),
    ];
    (status, headers, html).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_hex_digits_and_nothing_else() {
        let table = [
            ("token=0aF9", Some("0aF9")),
            ("utm=x&token=ab", Some("ab")),
            ("token=", None),
            ("token=%3Cscript%3E", None),
            ("token=a\"b", None),
            ("tokens=ab", None),
            ("", None),
        ];
        for (pairs, expected) in table {
            assert_eq!(token_in(pairs), expected, "{pairs}");
        }
        assert_eq!(token_in(&format!("token={}", "a".repeat(129))), None);
    }

    #[test]
    fn names_of_apps_are_no_markup() {
        assert_eq!(escaped("<b>&\"x\""), "&lt;b&gt;&amp;&quot;x&quot;");
    }
}
