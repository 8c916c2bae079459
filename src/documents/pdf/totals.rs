//! What the lines add up to, and the VAT on it. Kept together on one page.

use super::context::Context;
use super::page::{Mark, Role};
use super::sheet::{ACCENT, GREY, HAIRLINE, INK, LEFT, RIGHT, Sheet, Style, WHITE, height};
use crate::documents::mention::mention;
use crate::documents::wording::{amount, percent, resource_group};
use crate::domain::catalog::ResourceKind;
use crate::domain::invoice::LineKind;
use crate::domain::invoice::document::DocumentLine;

const LABEL: Style = Style::regular(8.5, GREY);
const VALUE: Style = Style::regular(8.5, INK);
const HEAD: Style = Style::semi_bold(7.5, ACCENT);
const MENTION: Style = Style::regular(7.5, INK);

const ROW: f32 = 15.0;
/// The band of the total, and the space above it.
const BAND: f32 = 26.0;
const BAND_GAP: f32 = 5.0;
const SUMS_LEFT: f32 = 330.0;
/// Right edge and width of rate, base and VAT.
const VAT_COLUMNS: [(f32, f32); 3] = [(134.0, 36.0), (214.0, 76.0), (296.0, 76.0)];

pub fn totals(sheet: &mut Sheet<'_>, context: Context<'_>) {
    let sums = sums(context);
    let mentions: Vec<Vec<String>> = context
        .document
        .vat
        .iter()
        .filter_map(|group| mention(context.document, group))
        .map(|mention| sheet.wrap(MENTION, 296.0 - LEFT, &mention.text))
        .collect();
    let rows = |count: usize| (0..count).map(|_| ROW).sum::<f32>();
    let mentions_height: f32 = mentions.iter().map(|lines| height(lines, MENTION)).sum();
    let sums_height = rows(sums.len()) + BAND_GAP + BAND;
    let vat_height = rows(context.document.vat.len() + 1) + 12.0 + mentions_height;
    let block = sums_height.max(vat_height);
    if sheet.y + block > sheet.bottom {
        context.continue_on_next_page(sheet);
    }
    let top = sheet.y;
    draw_sums(sheet, context, &sums, top);
    draw_vat(sheet, context, &mentions, top);
    sheet.y = top + block + 18.0;
}

/// Every sum above the total, in order.
fn sums(context: Context<'_>) -> Vec<(String, i64)> {
    let document = context.document;
    let labels = context.labels;
    let sum = |of: &dyn Fn(&DocumentLine) -> bool| {
        let mut lines = document.lines.iter().filter(|line| of(line)).peekable();
        lines.peek()?;
        Some(lines.map(|line| line.amount_minor).sum::<i64>())
    };
    let mut sums = Vec::new();
    for kind in [ResourceKind::Container, ResourceKind::Addon] {
        let of_kind = |line: &DocumentLine| line.usage.as_ref().is_some_and(|u| u.kind == kind);
        if let Some(minor) = sum(&of_kind) {
            sums.push((resource_group(kind, context.language).to_owned(), minor));
        }
    }
    for (kind, label) in [
        (LineKind::FreeTrial, labels.free_trial),
        (LineKind::Discount, labels.discounts),
        (LineKind::Voucher, labels.vouchers),
    ] {
        if let Some(minor) = sum(&|line| line.kind == kind) {
            sums.push((label.to_owned(), minor));
        }
    }
    sums.push((labels.net.to_owned(), document.net_minor));
    for group in &document.vat {
        let rate = percent(group.rate, context.language);
        sums.push((format!("{} {rate}", labels.vat), group.amount_minor));
    }
    sums
}

fn draw_sums(sheet: &mut Sheet<'_>, context: Context<'_>, sums: &[(String, i64)], top: f32) {
    const PADDING: f32 = 8.0;
    let document = context.document;
    let money = |minor| amount(minor, document.currency, context.language);
    let table = sheet.node(Role::Table, None);
    let body = sheet.node(Role::TableBody, Some(table));
    let mut y = top;
    for (label, minor) in sums {
        let row = sheet.node(Role::Row, Some(body));
        let header = sheet.content(Role::RowHeader, Some(row));
        let cell = sheet.content(Role::Cell, Some(row));
        sheet.text(header, LABEL, SUMS_LEFT + PADDING, y + 8.0, label);
        sheet.text_right(cell, VALUE, RIGHT - PADDING, 104.0, y + 8.0, &money(*minor));
        y += ROW;
    }
    y += BAND_GAP;
    sheet.rectangle(Mark::Layout, SUMS_LEFT, y, RIGHT - SUMS_LEFT, BAND, ACCENT);
    let row = sheet.node(Role::Row, Some(body));
    let header = sheet.content(Role::RowHeader, Some(row));
    let cell = sheet.content(Role::Cell, Some(row));
    let label = Style::semi_bold(10.0, WHITE);
    let value = Style::semi_bold(12.5, WHITE);
    let total = money(document.total_minor);
    sheet.text(
        header,
        label,
        SUMS_LEFT + PADDING,
        y + 17.0,
        context.labels.total,
    );
    sheet.text_right(cell, value, RIGHT - PADDING, 96.0, y + 17.4, &total);
}

fn draw_vat(sheet: &mut Sheet<'_>, context: Context<'_>, mentions: &[Vec<String>], top: f32) {
    let labels = context.labels;
    let document = context.document;
    let table = sheet.node(Role::Table, None);
    let head = sheet.node(Role::TableHead, Some(table));
    let row = sheet.node(Role::Row, Some(head));
    let body = sheet.node(Role::TableBody, Some(table));
    let mut y = top;
    let texts = [labels.category, labels.rate, labels.base, labels.vat].map(str::to_owned);
    vat_row(sheet, Role::ColumnHeader, row, [HEAD; 4], y, &texts);
    sheet.rule(Mark::Layout, LEFT, 296.0, y + 12.0, 0.6, HAIRLINE);
    y += ROW;
    let money = |minor| amount(minor, document.currency, context.language);
    for group in &document.vat {
        let row = sheet.node(Role::Row, Some(body));
        let texts = [
            group.category.code().to_owned(),
            percent(group.rate, context.language),
            money(group.base_minor),
            money(group.amount_minor),
        ];
        vat_row(sheet, Role::Cell, row, [VALUE; 4], y + 1.0, &texts);
        y += ROW;
    }
    y += 12.0;
    for lines in mentions {
        let mark = sheet.content(Role::Paragraph, None);
        y = sheet.lines(mark, MENTION, LEFT, y, lines);
    }
}

fn vat_row(
    sheet: &mut Sheet<'_>,
    role: Role,
    row: super::page::NodeId,
    styles: [Style; 4],
    y: f32,
    texts: &[String; 4],
) {
    let baseline = y + 8.0;
    let [category, figures @ ..] = texts;
    let [style, figure_styles @ ..] = styles;
    let mark = sheet.content(role.clone(), Some(row));
    sheet.text(mark, style, LEFT, baseline, category);
    for ((text, style), (right, width)) in figures.iter().zip(figure_styles).zip(VAT_COLUMNS) {
        let mark = sheet.content(role.clone(), Some(row));
        sheet.text_right(mark, style, right, width, baseline, text);
    }
}
