//! Lists, a page at a time: which one is asked for, and where it stands among them.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::answer::Refused;
use super::query::Query;
use crate::store::rows::PageBounds;

/// What a page has where nobody says how much.
const PER_PAGE: u32 = 20;
/// More of it than that is not given at once.
const PER_PAGE_MAX: u32 = 100;

/// The query of a request for a list.
pub struct Paged(Query);

impl<S: Send + Sync> FromRequestParts<S> for Paged {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Query::from_request_parts(parts, state).await.map(Self)
    }
}

/// Which page of a list is asked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what `Paged` reads")]
pub struct PageParams {
    /// From 1 on; 0 or none is the first.
    #[param(minimum = 0)]
    page: Option<i64>,
    /// How many a page has, at most 100 however many are asked for; 0 or none is 20.
    #[param(minimum = 0)]
    per_page: Option<i64>,
}

/// A page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// From 1 on.
    number: u32,
    /// From 1 to [`PER_PAGE_MAX`].
    per_page: u32,
}

/// Where a page stands in its list.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Meta {
    pagination: Pagination,
}

#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Pagination {
    current_page: i64,
    /// `null` on the first page.
    prev_page: Option<i64>,
    /// `null` on the last page.
    next_page: Option<i64>,
    total_pages: i64,
    total_count: i64,
}

impl Paged {
    /// Which page it asks for. What else the query has is left to others.
    ///
    /// # Errors
    /// When `page` or `per_page` is no whole number, or is there twice.
    pub fn read(&self) -> Result<Page, Refused> {
        let per_page = number(&self.0, "per_page")?.unwrap_or(PER_PAGE);
        Ok(Page {
            number: number(&self.0, "page")?.unwrap_or(1),
            per_page: per_page.min(PER_PAGE_MAX),
        })
    }
}

/// A number from 1 on. The Go client sends 0 for what it was not told.
fn number(query: &Query, name: &'static str) -> Result<Option<u32>, Refused> {
    let Some(value) = query.value(name)? else {
        return Ok(None);
    };
    if !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refused::field(name, "is no whole number such as 1"));
    }
    match value.parse() {
        Ok(0) => Ok(None),
        Ok(number) => Ok(Some(number)),
        Err(_) if value.is_empty() => Err(Refused::field(name, "can't be blank")),
        Err(_) => Err(Refused::field(name, "is too large")),
    }
}

impl Page {
    /// How many stand before it.
    pub fn offset(self) -> i64 {
        (i64::from(self.number) - 1) * i64::from(self.per_page)
    }

    /// How many it has at most.
    pub fn limit(self) -> i64 {
        i64::from(self.per_page)
    }

    /// The part of a list that it is.
    pub fn bounds(self) -> PageBounds {
        PageBounds {
            limit: self.limit(),
            offset: self.offset(),
        }
    }

    /// Where it stands in a list of so many. Before one that is beyond the end stands
    /// the last that has something.
    pub fn meta(self, total_count: i64) -> Meta {
        let (current, each) = (i64::from(self.number), i64::from(self.per_page));
        let total_pages = total_count / each + i64::from(total_count % each > 0);
        let before = (current - 1).min(total_pages);
        Meta {
            pagination: Pagination {
                current_page: current,
                prev_page: (before > 0).then_some(before),
                next_page: (current < total_pages).then_some(current + 1),
                total_pages,
                total_count,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(query: &str) -> Result<(u32, u32), String> {
        match Paged(Query(query.to_owned())).read() {
            Ok(page) => Ok((page.number, page.per_page)),
            Err(Refused::Field(field, message)) => Err(format!("{field} {message}")),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_page_is_asked_for_by_its_number() {
        for (query, expected) in [
            ("", Ok((1, 20))),
            ("page=3", Ok((3, 20))),
            ("page=3&per_page=50", Ok((3, 50))),
            ("from=x&per_page=1&page=2&pages=z", Ok((2, 1))),
            ("page=0&per_page=0", Ok((1, 20))),
            ("per_page=100", Ok((1, 100))),
            ("per_page=101", Ok((1, 100))),
            ("page=4294967295", Ok((u32::MAX, 20))),
            ("page=4294967296", Err("page is too large")),
            ("per_page=99999999999", Err("per_page is too large")),
            ("page=", Err("page can't be blank")),
            ("page=-1", Err("page is no whole number such as 1")),
            ("page=%2B1", Err("page is no whole number such as 1")),
            ("page=1.0", Err("page is no whole number such as 1")),
            ("per_page=ten", Err("per_page is no whole number such as 1")),
            ("page=1&page=2", Err("page is there twice")),
        ] {
            assert_eq!(read(query), expected.map_err(str::to_owned), "{query}");
        }
    }

    #[test]
    fn there_is_nothing_before_the_first_and_behind_the_last() {
        for (number, total, prev, next, pages) in [
            (1, 0, None, None, 0),
            (1, 1, None, None, 1),
            (1, 10, None, None, 1),
            (1, 11, None, Some(2), 2),
            (2, 11, Some(1), None, 2),
            (2, 30, Some(1), Some(3), 3),
            (9, 30, Some(3), None, 3),
            (9, 0, None, None, 0),
        ] {
            let page = Page {
                number,
                per_page: 10,
            };
            let expected = Pagination {
                current_page: i64::from(number),
                prev_page: prev,
                next_page: next,
                total_pages: pages,
                total_count: total,
            };
            assert_eq!(page.meta(total).pagination, expected, "{number} of {total}");
        }
    }

    proptest! {
        /// Whoever follows `next_page` sees each of a list once, and back again.
        #[test]
        fn the_pages_are_the_list(total in 0_i64..500, per_page in 1_u32..=PER_PAGE_MAX) {
            let (mut seen, mut number, mut before) = (0, Some(1), None);
            while let Some(at) = number {
                let page = Page { number: u32::try_from(at).unwrap(), per_page };
                prop_assert_eq!(page.offset(), seen);
                let meta = page.meta(total).pagination;
                prop_assert_eq!(meta.current_page, at);
                prop_assert_eq!(meta.prev_page, before);
                prop_assert_eq!(meta.total_count, total);
                seen += page.limit().min(total - seen);
                (number, before) = (meta.next_page, Some(at));
                if number.is_none() && total > 0 {
                    prop_assert_eq!(meta.total_pages, at);
                }
            }
            prop_assert_eq!(seen, total);
        }

        #[test]
        fn no_query_is_a_panic(query in any::<String>(), number in any::<u32>(), each in 1_u32..=100, total in 0..i64::MAX) {
            let _ = read(&query);
            let page = Page { number: number.max(1), per_page: each };
            prop_assert!(page.offset() >= 0);
            let _ = page.meta(total);
        }
    }
}
