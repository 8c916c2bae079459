//! The invoice on pages: letterhead, lines, totals, payment, footer.

use super::context::Context;
use super::font::Fonts;
use super::labels::labels;
use super::line_table::line_table;
use super::page::{Mark, PAGE_HEIGHT, Pages, Role};
use super::sheet::{ACCENT, GREY, HAIRLINE, INK, LEFT, RIGHT, Sheet, Style, TINT, height};
use super::totals::totals;
use crate::documents::wording::{country_name, date};
use crate::domain::account::BillingProfile;
use crate::domain::invoice::document::{Document, Issuer};

const HEADING: Style = Style::semi_bold(7.5, ACCENT);
const NAME: Style = Style::semi_bold(10.0, INK);
const BODY: Style = Style::regular(8.5, INK);
const SMALL: Style = Style::regular(7.5, GREY);
const FINE: Style = Style::regular(6.75, GREY);

/// Lays an invoice out.
pub fn lay_out(document: &Document, fonts: &mut Fonts) -> Pages {
    let context = Context {
        document,
        labels: labels(document.language),
        language: document.language,
    };
    let mut sheet = Sheet::new(fonts);
    let footer = sheet.wrap(FINE, RIGHT - LEFT - 70.0, &footer_text(document));
    let footer_top = PAGE_HEIGHT - 26.0 - height(&footer, FINE);
    sheet.bottom = footer_top - 12.0;
    letterhead(&mut sheet, context);
    parties(&mut sheet, context);
    line_table(&mut sheet, context);
    totals(&mut sheet, context);
    payment(&mut sheet, context);
    footers(&mut sheet, context, &footer, footer_top);
    sheet.finish()
}

fn letterhead(sheet: &mut Sheet<'_>, context: Context<'_>) {
    let name = Style::semi_bold(15.0, INK);
    let mark = sheet.content(Role::Paragraph, None);
    let end = sheet.paragraph(mark, name, LEFT, 60.0, 290.0, &context.document.issuer.name);
    let title = context.title();
    let heading = sheet.content(Role::Heading(1, title), None);
    let width = 190.0;
    let (word, number) = (context.labels.invoice, &context.document.number);
    sheet.text_right(
        heading,
        Style::semi_bold(22.0, ACCENT),
        RIGHT,
        width,
        60.0,
        word,
    );
    sheet.text_right(
        heading,
        Style::semi_bold(10.5, INK),
        RIGHT,
        width,
        77.0,
        number,
    );
    let y = (end - name.leading()).max(77.0) + 14.0;
    sheet.rule(Mark::Layout, LEFT, RIGHT, y, 1.2, ACCENT);
    sheet.y = y + 20.0;
}

/// Who bills, who is billed, and the dates.
fn parties(sheet: &mut Sheet<'_>, context: Context<'_>) {
    let top = sheet.y;
    let Context {
        document, labels, ..
    } = context;
    let issuer = issuer_lines(&document.issuer, context);
    let issuer = party(sheet, LEFT, labels.issuer, &document.issuer.name, &issuer);
    let customer = customer_lines(&document.customer, context);
    let name = document.customer.legal_name();
    let customer = party(sheet, 226.0, labels.customer, name, &customer);
    let dates = dates(sheet, context, top - 12.0);
    sheet.y = issuer.max(customer).max(dates) + 10.0;
}

fn issuer_lines(issuer: &Issuer, context: Context<'_>) -> Vec<String> {
    let country = issuer.country.parse().map_or_else(
        |_| issuer.country.clone(),
        |country| country_name(country, context.language),
    );
    vec![
        issuer.address_line1.clone(),
        format!("{} {}", issuer.postal_code, issuer.city),
        country,
        labeled(context.labels.vat_number, &issuer.vat_number),
        issuer.email.clone(),
        issuer.website.clone(),
    ]
}

fn customer_lines(customer: &BillingProfile, context: Context<'_>) -> Vec<String> {
    let contact = if customer.company.is_empty() {
        String::new()
    } else {
        customer.full_name.clone()
    };
    vec![
        contact,
        customer.address_line1.clone(),
        customer.address_line2.clone(),
        format!("{} {}", customer.postal_code, customer.city),
        customer.state.clone(),
        country_name(customer.country, context.language),
        labeled(context.labels.vat_number, &customer.vat_number),
        customer.email.clone(),
        customer.invoice_note.clone(),
    ]
}

fn labeled(label: &str, value: &str) -> String {
    if value.is_empty() {
        String::new()
    } else {
        format!("{label} {value}")
    }
}

/// One party's block; returns where it ends.
fn party(sheet: &mut Sheet<'_>, x: f32, label: &str, name: &str, lines: &[String]) -> f32 {
    const WIDTH: f32 = 166.0;
    let section = sheet.node(Role::Section, None);
    let heading = sheet.content(Role::Heading(2, label.to_owned()), Some(section));
    sheet.text(heading, HEADING, x, sheet.y, label);
    let body = sheet.content(Role::Paragraph, Some(section));
    let mut y = sheet.y + 15.0;
    y = sheet.paragraph(body, NAME, x, y, WIDTH, name);
    for line in lines {
        y = sheet.paragraph(body, BODY, x, y, WIDTH, line.trim());
    }
    y
}

/// The tinted box of dates; returns where it ends.
fn dates(sheet: &mut Sheet<'_>, context: Context<'_>, top: f32) -> f32 {
    const LABEL: Style = Style::regular(7.5, GREY);
    const VALUE: Style = Style::semi_bold(7.5, INK);
    const X: f32 = 408.0;
    const PADDING: f32 = 8.0;
    let Context {
        document, labels, ..
    } = context;
    let day = |day| date(day, context.language);
    let entries = [
        (labels.issued_on, day(document.issued_on)),
        (labels.due_on, day(document.due_on)),
        (labels.first_day, day(document.first_day)),
        (labels.last_day, day(document.last_day)),
        (labels.account, document.customer.account.clone()),
    ];
    let wrapped = entries.map(|(label, value)| (label, sheet.wrap(VALUE, 82.0, &value)));
    let rows: f32 = wrapped
        .iter()
        .map(|(_, lines)| height(lines, VALUE) + 4.0)
        .sum();
    let bottom = top + PADDING + rows + 2.0;
    sheet.rectangle(Mark::Layout, X, top, RIGHT - X, bottom - top, TINT);
    let table = sheet.node(Role::Table, None);
    let body = sheet.node(Role::TableBody, Some(table));
    let mut y = top + PADDING + 7.0;
    for (label, lines) in wrapped {
        let row = sheet.node(Role::Row, Some(body));
        let header = sheet.content(Role::RowHeader, Some(row));
        let cell = sheet.content(Role::Cell, Some(row));
        sheet.text(header, LABEL, X + PADDING, y, label);
        for line in &lines {
            sheet.text_right(cell, VALUE, RIGHT - PADDING, 84.0, y, line);
            y += VALUE.leading();
        }
        y += 4.0;
    }
    bottom
}

/// How it is paid, and what the law wants said about that.
fn payment(sheet: &mut Sheet<'_>, context: Context<'_>) {
    let texts = context.document.issuer.texts(context.language);
    let paragraphs = [
        (&texts.payment_terms, BODY),
        (&texts.late_penalty, SMALL),
        (&texts.recovery_fee, SMALL),
        (&texts.early_payment, SMALL),
    ]
    .map(|(text, style)| (sheet.wrap(style, RIGHT - LEFT, text), style));
    // The heading is never left alone at the foot of a page.
    let first = paragraphs
        .first()
        .map_or(0.0, |(lines, style)| height(lines, *style));
    if sheet.y + 28.0 + first > sheet.bottom {
        context.continue_on_next_page(sheet);
    }
    let section = sheet.node(Role::Section, None);
    let label = context.labels.payment;
    let heading = sheet.content(Role::Heading(2, label.to_owned()), Some(section));
    sheet.text(heading, HEADING, LEFT, sheet.y, label);
    sheet.y += 15.0;
    for (lines, style) in &paragraphs {
        let mark = sheet.content(Role::Paragraph, Some(section));
        for line in lines {
            if sheet.y > sheet.bottom {
                context.continue_on_next_page(sheet);
            }
            let y = sheet.y;
            sheet.y = sheet.lines(mark, *style, LEFT, y, std::slice::from_ref(line));
        }
        sheet.y += 3.0;
    }
}

fn footer_text(document: &Document) -> String {
    let issuer = &document.issuer;
    let vat = labels(document.language).vat_number;
    let address = format!(
        "{}, {} {}",
        issuer.address_line1, issuer.postal_code, issuer.city
    );
    let french = issuer.country == "FR";
    let parts = [
        issuer.name.clone(),
        issuer.legal_form.clone(),
        address,
        issuer.register.clone(),
        labeled(if french { "SIREN" } else { "" }, &issuer.siren),
        labeled("SIRET", &issuer.siret),
        labeled(vat, &issuer.vat_number),
    ];
    let parts: Vec<&str> = parts
        .iter()
        .map(|part| part.trim())
        .filter(|part| !part.is_empty())
        .collect();
    parts.join(" – ")
}

/// The issuer at the foot of every page; read aloud once.
fn footers(sheet: &mut Sheet<'_>, context: Context<'_>, lines: &[String], top: f32) {
    let pages = sheet.page_count();
    let content = sheet.content(Role::Paragraph, None);
    for page in 0..pages {
        sheet.turn_to(page);
        let mark = if page == 0 { content } else { Mark::Footer };
        sheet.rule(Mark::Footer, LEFT, RIGHT, top, 0.6, HAIRLINE);
        sheet.lines(mark, FINE, LEFT, top + 11.0, lines);
        let text = format!("{} {}/{pages}", context.labels.page, page + 1);
        let style = Style::semi_bold(8.0, INK);
        sheet.text_right(Mark::Footer, style, RIGHT, 66.0, top + 11.5, &text);
    }
}
