//! The lines of the invoice, over as many pages as they need. Rows are never
//! split, and every page repeats the head.

use super::context::Context;
use super::page::{Mark, NodeId, Role};
use super::sheet::{GREY, HAIRLINE, INK, LEFT, RIGHT, Sheet, Style, TINT, height};
use crate::documents::wording::{amount, line_detail, line_title, number, percent, unit_price};
use crate::domain::invoice::document::DocumentLine;

const HEAD: Style = Style::semi_bold(7.5, INK);
const TITLE: Style = Style::regular(8.5, INK);
const DETAIL: Style = Style::regular(7.25, GREY);
const FIGURE: Style = Style::regular(8.5, INK);

const HEAD_HEIGHT: f32 = 20.0;
const PADDING: f32 = 6.0;
const TITLE_WIDTH: f32 = 222.0;
/// Right edge and width of minutes, price, VAT and amount.
const COLUMNS: [(f32, f32); 4] = [
    (332.0, 56.0),
    (424.0, 86.0),
    (462.0, 36.0),
    (RIGHT - PADDING, 76.0),
];

pub fn line_table(sheet: &mut Sheet<'_>, context: Context<'_>) {
    let table = sheet.node(Role::Table, None);
    let head = sheet.node(Role::TableHead, Some(table));
    let row = sheet.node(Role::Row, Some(head));
    let marks = [(); 5].map(|()| sheet.content(Role::ColumnHeader, Some(row)));
    let body = sheet.node(Role::TableBody, Some(table));
    table_head(sheet, context, marks, Mark::Layout);
    for line in &context.document.lines {
        table_row(sheet, context, body, line);
    }
    sheet.rule(Mark::Layout, LEFT, RIGHT, sheet.y, 0.8, INK);
    sheet.y += 16.0;
}

fn table_head(sheet: &mut Sheet<'_>, context: Context<'_>, marks: [Mark; 5], decoration: Mark) {
    let top = sheet.y;
    sheet.rectangle(decoration, LEFT, top, RIGHT - LEFT, HEAD_HEIGHT, TINT);
    let labels = context.labels;
    let baseline = top + 12.8;
    let [title, figures @ ..] = marks;
    sheet.text(title, HEAD, LEFT + PADDING, baseline, labels.description);
    let texts = [
        labels.minutes,
        labels.price_per_minute,
        labels.vat,
        labels.amount,
    ];
    for ((mark, text), (right, width)) in figures.into_iter().zip(texts).zip(COLUMNS) {
        sheet.text_right(mark, HEAD, right, width, baseline, text);
    }
    sheet.y = top + HEAD_HEIGHT;
    sheet.rule(decoration, LEFT, RIGHT, sheet.y, 0.8, INK);
}

fn table_row(sheet: &mut Sheet<'_>, context: Context<'_>, body: NodeId, line: &DocumentLine) {
    let language = context.language;
    let title = sheet.wrap(TITLE, TITLE_WIDTH, &line_title(line, language));
    let detail = line_detail(line, context.document.period, language);
    let detail = sheet.wrap(DETAIL, TITLE_WIDTH, &detail);
    let row_height = height(&title, TITLE) + height(&detail, DETAIL) + 2.0 * 4.5;
    if sheet.y + row_height > sheet.bottom {
        sheet.rule(Mark::Layout, LEFT, RIGHT, sheet.y, 0.8, INK);
        context.continue_on_next_page(sheet);
        table_head(sheet, context, [Mark::Header; 5], Mark::Header);
    }
    let top = sheet.y;
    let row = sheet.node(Role::Row, Some(body));
    let cells = [(); 5].map(|()| sheet.content(Role::Cell, Some(row)));
    let [description, figures @ ..] = cells;
    let baseline = top + 12.75;
    let x = LEFT + PADDING;
    let next = sheet.lines(description, TITLE, x, baseline, &title);
    sheet.lines(description, DETAIL, x, next - 1.0, &detail);
    for ((mark, text), (right, width)) in figures
        .into_iter()
        .zip(figures_of(context, line))
        .zip(COLUMNS)
    {
        sheet.text_right(mark, FIGURE, right, width, baseline, &text);
    }
    sheet.y = top + row_height;
    sheet.rule(Mark::Layout, LEFT, RIGHT, sheet.y, 0.4, HAIRLINE);
}

/// Minutes, price, VAT rate and amount.
fn figures_of(context: Context<'_>, line: &DocumentLine) -> [String; 4] {
    let language = context.language;
    let document = context.document;
    let (minutes, price) = match &line.usage {
        Some(usage) => (
            number(usage.minutes.into(), language),
            unit_price(usage.unit_price, document.currency, language),
        ),
        None => (String::new(), String::new()),
    };
    let rate = document
        .vat
        .first()
        .map(|group| percent(group.rate, language))
        .unwrap_or_default();
    let amount = amount(line.amount_minor, document.currency, language);
    [minutes, price, rate, amount]
}
