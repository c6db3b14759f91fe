//! The functions that this very server has, its extensions' included, held against the policy: one that is
//! volatile may act, and is refused unless somebody has looked at it.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use datachat::limits::Limits;
use datachat::plugins::Dialect;
use datachat::query::policy::judge;
use datachat_tests::Postgres;

use crate::{inspection, scene};

/// Volatile functions that only look, compute, or draw at random. Those of the `pg_` family are not here: the
/// policy lists them itself.
const REVIEWED: &[&str] = &[
    "amvalidate",
    "brin_metapage_info",
    "brin_page_items",
    "brin_page_type",
    "brin_revmap_data",
    "bt_index_check",
    "bt_metap",
    "bt_page_items",
    "bt_page_stats",
    "clock_timestamp",
    "currtid2",
    "current_query",
    "currval",
    "file_fdw_validator",
    "fsm_page_contents",
    "gen_random_uuid",
    "gin_leafpage_items",
    "gin_metapage_info",
    "gin_page_opaque_info",
    "gist_page_items",
    "gist_page_items_bytea",
    "gist_page_opaque_info",
    "hash_bitmap_info",
    "hash_metapage_info",
    "hash_page_items",
    "hash_page_stats",
    "hash_page_type",
    "heap_page_item_attrs",
    "heap_page_items",
    "heap_tuple_infomask_flags",
    "lastval",
    "normal_rand",
    "page_checksum",
    "page_header",
    "plpgsql_call_handler",
    "plpgsql_inline_handler",
    "plpgsql_validator",
    "postgres_fdw_get_connections",
    "postgres_fdw_handler",
    "postgres_fdw_validator",
    "random",
    "setseed",
    "timeofday",
    "tuple_data_split",
    "txid_status",
    "verify_heapam",
    // SQL text that they run is judged; without arguments, as here, there is none.
    "crosstab",
    "crosstab2",
    "crosstab3",
    "crosstab4",
    "query_to_xml",
    "query_to_xml_and_xmlschema",
    "query_to_xmlschema",
    "ts_rewrite",
    "ts_stat",
];

/// Refused as calls since nobody needs them, while after a dot their names are harmless.
const HARMLESS_AS_ATTRIBUTES: &[&str] = &[
    "pg_check_frozen",
    "pg_check_visible",
    "pg_collation_is_visible",
    "pg_get_multixact_members",
    "pg_replication_origin_session_progress",
];

async fn names(postgres: &Postgres, condition: &str) -> Result<BTreeSet<String>> {
    let client = inspection::connect(postgres, "app").await?;
    let sql = format!(
        "SELECT proname::text FROM pg_proc p
         WHERE provolatile = 'v' AND NOT 'internal'::regtype = ANY (proargtypes) AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
           AND (pronamespace = 'pg_catalog'::regnamespace
                OR EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e'))
           AND {condition}"
    );
    let rows = client.query(&sql, &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

fn passes(sql: &str) -> bool {
    judge(Dialect::Postgresql, &[], sql, &Limits::default()).is_ok()
}

#[tokio::test]
async fn no_volatile_function_of_the_server_passes_that_nobody_has_looked_at() -> Result<()> {
    let postgres = scene::postgres()?;
    let all = names(&postgres, "true").await?;
    ensure!(all.len() > 150, "{}", all.len());
    let unknown: Vec<_> = all
        .iter()
        .filter(|name| passes(&format!("SELECT {name}()")))
        .filter(|name| !name.starts_with("pg_") && !REVIEWED.contains(&name.as_str()))
        .collect();
    ensure!(unknown.is_empty(), "{unknown:?}");
    Ok(())
}

#[tokio::test]
async fn what_may_not_be_called_may_not_be_read_as_a_column_either() -> Result<()> {
    let postgres = scene::postgres()?;
    let callable = "pronargs > 0 AND pronargs - pronargdefaults <= 1";
    let overlooked: Vec<_> = names(&postgres, callable)
        .await?
        .into_iter()
        .filter(|name| !passes(&format!("SELECT {name}()")))
        .filter(|name| !HARMLESS_AS_ATTRIBUTES.contains(&name.as_str()))
        .filter(|name| {
            passes(&format!("SELECT ($1).{name}")) || passes(&format!("SELECT f.{name} FROM g() f"))
        })
        .collect();
    ensure!(overlooked.is_empty(), "{overlooked:?}");
    Ok(())
}
