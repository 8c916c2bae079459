//! A letter as HTML that mail clients take: tables, styles on every element,
//! nothing fetched from anywhere. A client in dark mode gets its own colors where
//! it reads the style sheet, and inverts ours where it does not.

use super::letter::{Letter, Tone};
use crate::html::escaped;

/// Colors of text and ground, light; the style sheet has the dark ones.
const INK: &str = "#1f2933";
const FAINT: &str = "#616e7c";
const PAPER: &str = "#ffffff";
const DESK: &str = "#f3f5f7";
const RULE: &str = "#e4e7eb";
const FONT: &str = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";

const STYLE: &str = "\
:root{color-scheme:light dark;supported-color-schemes:light dark}\
body{margin:0;padding:0;-webkit-text-size-adjust:100%}\
@media (max-width:620px){.sheet{width:100%!important}.pad{padding-left:20px!important;padding-right:20px!important}\
.fact td{display:block!important;width:auto!important;padding-left:0!important}\
.fact td+td{border-top:0!important;padding-top:0!important;text-align:left!important}}\
@media (prefers-color-scheme:dark){body,.desk{background:#111820!important}.sheet{background:#1b242e!important}\
.ink,.ink td{color:#e4e7eb!important}.faint{color:#9aa5b1!important}.fact td{border-color:#323f4b!important}}";

/// The accent of a tone: dark enough for white text on it (WCAG 2.1, 1.4.3).
const fn accent(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "#1e6b45",
        Tone::Neutral => "#2456a6",
        Tone::Warning => "#8a5300",
        Tone::Urgent => "#ab1f2b",
    }
}

/// The whole document.
#[must_use]
pub fn render(letter: &Letter) -> String {
    let content = &letter.content;
    let accent = accent(content.tone);
    let subject = escaped(&content.subject);
    let heading = prose(&content.subject);
    let mut html = String::with_capacity(8 << 10);
    html.push_str("<!doctype html>\n<html lang=\"");
    html.push_str(letter.language.code());
    html.push_str("\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"supported-color-schemes\" content=\"light dark\">\n<meta name=\"format-detection\" content=\"telephone=no,date=no,address=no,email=no\">\n<title>");
    html.push_str(&subject);
    html.push_str("</title>\n<style>");
    html.push_str(STYLE);
    html.push_str("</style>\n</head>\n");
    html.push_str(&format!(
        "<body style=\"margin:0;padding:0;background:{DESK}\">\n"
    ));
    if let Some(first) = content.opening.first() {
        // What a list of mails shows after the subject.
        html.push_str(&format!(
            "<div style=\"display:none;max-height:0;overflow:hidden;opacity:0;color:transparent\">{}</div>\n",
            escaped(first)
        ));
    }
    html.push_str(&format!(
        "<table role=\"presentation\" class=\"desk\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" style=\"background:{DESK}\">\n<tr><td align=\"center\" style=\"padding:24px 8px\">\n\
         <table role=\"presentation\" class=\"sheet\" width=\"600\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" style=\"width:600px;max-width:100%;background:{PAPER};border-top:4px solid {accent}\">\n"
    ));
    let cell = |html: &mut String, padding: &str, inner: &str| {
        html.push_str(&format!(
            "<tr><td class=\"pad ink\" style=\"padding:{padding};font-family:{FONT};font-size:16px;line-height:24px;color:{INK}\">{inner}</td></tr>\n"
        ));
    };
    let product = escaped(&letter.product);
    cell(
        &mut html,
        "24px 40px 0",
        &format!("<strong style=\"font-size:15px\">{product}</strong>"),
    );
    cell(
        &mut html,
        "20px 40px 0",
        &format!(
            "<h1 style=\"margin:0;font-size:22px;line-height:30px;font-weight:600\">{heading}</h1>"
        ),
    );
    cell(&mut html, "20px 40px 0", &escaped(&letter.greeting));
    for text in &content.opening {
        cell(&mut html, "12px 40px 0", &prose(text));
    }
    if !content.facts.is_empty() {
        html.push_str("<tr><td class=\"pad\" style=\"padding:20px 40px 0\"><table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\">\n");
        for fact in &content.facts {
            let style = format!(
                "border-top:1px solid {RULE};padding:9px 0;font-family:{FONT};font-size:15px;line-height:22px;vertical-align:top"
            );
            html.push_str(&format!(
                "<tr class=\"fact\"><td class=\"faint\" style=\"{style};color:{FAINT};width:42%\">{}</td><td class=\"ink\" style=\"{style};padding-left:16px;color:{INK};text-align:right\">{}</td></tr>\n",
                escaped(&fact.label),
                escaped(&fact.value)
            ));
        }
        html.push_str("</table></td></tr>\n");
    }
    if let Some(button) = &content.button {
        html.push_str(&format!(
            "<tr><td class=\"pad\" style=\"padding:24px 40px 4px\"><table role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\"><tr>\
             <td style=\"background:{accent};border-radius:6px\" bgcolor=\"{accent}\"><a href=\"{}\" style=\"display:inline-block;padding:12px 24px;font-family:{FONT};font-size:16px;line-height:20px;font-weight:600;color:#ffffff;text-decoration:none;border-radius:6px\">{}</a></td>\
             </tr></table></td></tr>\n",
            escaped(&button.url),
            escaped(&button.label)
        ));
    }
    for text in &content.closing {
        cell(&mut html, "16px 40px 0", &prose(text));
    }
    let signature: Vec<String> = letter.signature.iter().map(|text| escaped(text)).collect();
    cell(&mut html, "24px 40px 32px", &signature.join("<br>"));
    html.push_str("</table>\n");
    let footer: Vec<String> = letter.footer.iter().map(|text| escaped(text)).collect();
    html.push_str(&format!(
        "<table role=\"presentation\" width=\"600\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" style=\"width:600px;max-width:100%\">\n\
         <tr><td class=\"pad faint\" style=\"padding:16px 40px;font-family:{FONT};font-size:12px;line-height:18px;color:{FAINT}\">{}</td></tr>\n</table>\n",
        footer.join("<br>")
    ));
    html.push_str("</td></tr>\n</table>\n</body>\n</html>\n");
    html
}

/// A text whose numbers, such as `Q-2026-000042`, are not broken at their hyphens.
fn prose(text: &str) -> String {
    let word = |word: &str| {
        let is_number = word.contains('-') && word.contains(|char: char| char.is_ascii_digit());
        if is_number {
            format!(
                "<span style=\"white-space:nowrap\">{}</span>",
                escaped(word)
            )
        } else {
            escaped(word)
        }
    };
    let words: Vec<String> = text.split(' ').map(word).collect();
    words.join(" ")
}
