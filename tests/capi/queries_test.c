/* Goal: queries and their results over the C ABI: steps, runs, cells, JSON, Arrow, trees. */
#include "clinic.h"

static int buffer_is(const consilia_buffer_t* buffer, const char* wanted) {
    if (buffer->size == strlen(wanted) && memcmp(buffer->data, wanted, buffer->size) == 0) return 1;
    fprintf(stderr, "wanted %s\nfound  %s\n", wanted, buffer->data);
    return 0;
}

/* Frees a query and puts the next one in its place. */
static void become(consilia_query_t** query, consilia_query_t* next) {
    consilia_query_free(*query);
    *query = next;
}

static consilia_query_t* with_columns(consilia_query_t* query, const char* first, const char* second) {
    consilia_error_t* error = NULL;
    consilia_query_t* next = NULL;
    consilia_str_t paths[2];
    paths[0] = consilia_str_of(first);
    paths[1] = consilia_str_of(second == NULL ? "" : second);
    OK("select", consilia_query_select(query, paths, second == NULL ? 1 : 2, &next, &error));
    consilia_query_free(query);
    return next;
}

static void expect_json(const clinic_t* clinic, const consilia_query_t* query, const char* wanted) {
    consilia_error_t* error = NULL;
    consilia_row_set_t* rows = NULL;
    consilia_buffer_t json = {NULL, 0};
    OK("run", consilia_query_run(query, clinic->session, &rows, &error));
    OK("json", consilia_row_set_json(rows, &json, &error));
    CHECK(buffer_is(&json, wanted));
    consilia_buffer_free(&json);
    consilia_row_set_free(rows);
}

static void steps_narrow_order_and_cut(const clinic_t* clinic) {
    consilia_error_t* error = NULL;
    consilia_query_t* query = with_columns(visits_where(clinic, "fee > 1"), "id", "reason");
    consilia_query_t* next = NULL;
    consilia_parameter_t limit = consilia_parameter_of("fee", consilia_double(2.5));
    consilia_str_t grade = consilia_str_of("grade");
    consilia_order_t orders[2];
    expect_json(
        clinic, query,
        "[{\"id\":2,\"reason\":\"fever\"},{\"id\":3,\"reason\":\"cough\"},{\"id\":4,\"reason\":\"fever\"}]");
    OK("scope", consilia_query_scope(query, consilia_str_of("dearer_than"), &limit, 1, &next, &error));
    expect_json(clinic, next, "[{\"id\":3,\"reason\":\"cough\"},{\"id\":4,\"reason\":\"fever\"}]");
    consilia_query_free(next);
    OK("exclude", consilia_query_exclude(query, consilia_str_of("reason = 'fever'"), NULL, 0, &next, &error));
    expect_json(clinic, next, "[{\"id\":3,\"reason\":\"cough\"}]");
    consilia_query_free(next);
    OK("page", consilia_query_page(query, 2, 2, &next, &error));
    expect_json(clinic, next, "[{\"id\":4,\"reason\":\"fever\"}]");
    consilia_query_free(next);
    OK("unordered", consilia_query_unordered(query, &next, &error));
    become(&query, next);
    orders[0] = consilia_order_of("-patient.name");
    orders[0].nulls = CONSILIA_NULLS_LAST;
    orders[1] = consilia_order_of("-id");
    OK("order", consilia_query_order_by(query, orders, 2, &next, &error));
    become(&query, next);
    OK("first", consilia_query_limit(query, 1, &next, &error));
    expect_json(clinic, next, "[{\"id\":4,\"reason\":\"fever\"}]");
    consilia_query_free(next);
    orders[0].nulls = 9;
    EXPECT("nulls", consilia_query_order_by(query, orders, 1, &next, &error), CONSILIA_INVALID_ARGUMENT,
           "c_api.enum");
    EXPECT("path", consilia_query_include(query, grade, &next, &error), CONSILIA_INVALID_ARGUMENT,
           "query.unknown_field");
    EXPECT("syntax", consilia_query_where(query, consilia_str_of("fee >"), NULL, 0, &next, &error),
           CONSILIA_INVALID_ARGUMENT, "expression.syntax");
    EXPECT("hostile",
           consilia_query_where(query, consilia_str_of("fee > 1; DROP TABLE visits"), NULL, 0, &next, &error),
           CONSILIA_INVALID_ARGUMENT, "expression.syntax");
    CHECK(next == NULL);
    consilia_query_free(query);
}

static void groups_and_aggregates_are_calculated(const clinic_t* clinic) {
    consilia_error_t* error = NULL;
    consilia_query_t* query = NULL;
    consilia_query_t* next = NULL;
    consilia_str_t reason = consilia_str_of("reason");
    consilia_row_set_t* rows = NULL;
    consilia_buffer_t json = {NULL, 0};
    consilia_named_expression_t values[2];
    consilia_order_t order = consilia_order_of("reason");
    int64_t count = 0;
    int32_t exists = 0;
    OK("query", consilia_model_query(clinic->visits, &query, &error));
    values[0] = consilia_named("n", "count(*)");
    values[1] = consilia_named("dear", "count(*) filter (where fee > 2)");
    OK("aggregate", consilia_query_aggregate(query, clinic->session, values, 2, NULL, 0, &rows, &error));
    OK("json", consilia_row_set_json(rows, &json, &error));
    CHECK(buffer_is(&json, "[{\"n\":4,\"dear\":2}]"));
    consilia_buffer_free(&json);
    consilia_row_set_free(rows);
    OK("count by", consilia_query_count_by(query, clinic->session, reason, &rows, &error));
    CHECK(consilia_row_set_size(rows) == 2);
    consilia_row_set_free(rows);
    OK("count", consilia_query_count(query, clinic->session, &count, &error));
    OK("exists", consilia_query_exists(query, clinic->session, &exists, &error));
    CHECK(count == 4 && exists == 1);
    OK("group", consilia_query_group_by(query, &reason, 1, &next, &error));
    become(&query, next);
    OK("annotate", consilia_query_annotate(query, consilia_str_of("total"), consilia_str_of("sum(fee)"), NULL,
                                           0, &next, &error));
    become(&query, next);
    OK("having", consilia_query_having(query, consilia_str_of("sum(fee) > 0"), NULL, 0, &next, &error));
    become(&query, next);
    OK("order", consilia_query_order_by(query, &order, 1, &next, &error));
    become(&query, next);
    expect_json(clinic, query, "[{\"reason\":\"cough\",\"total\":4.0},{\"reason\":\"fever\",\"total\":6.0}]");
    EXPECT("get", consilia_query_get(query, clinic->session, &rows, &error), CONSILIA_CONFLICT, "query.many");
    CHECK(rows == NULL);
    consilia_query_free(query);
}

static void pages_by_keyset_and_chunks_give_all_rows_once(const clinic_t* clinic) {
    consilia_error_t* error = NULL;
    consilia_query_t* query = visits_where(clinic, "true");
    consilia_query_t* page = NULL;
    consilia_query_t* next = NULL;
    consilia_chunks_t* chunks = NULL;
    consilia_row_set_t* rows = NULL;
    size_t seen = 0;
    OK("limit", consilia_query_limit(query, 3, &page, &error));
    OK("page", consilia_query_run(page, clinic->session, &rows, &error));
    CHECK(consilia_row_set_size(rows) == 3);
    OK("after", consilia_query_after_row(page, rows, 2, &next, &error));
    consilia_row_set_free(rows);
    OK("page", consilia_query_run(next, clinic->session, &rows, &error));
    CHECK(consilia_row_set_size(rows) == 1);
    consilia_row_set_free(rows);
    consilia_query_free(next);
    consilia_query_free(page);
    OK("chunks", consilia_query_chunks(query, 3, &chunks, &error));
    do {
        consilia_row_set_free(rows = NULL);
        OK("next", consilia_chunks_next(chunks, clinic->session, &rows, &error));
        seen += consilia_row_set_size(rows);
        if (consilia_row_set_size(rows) == 0) break;
        consilia_row_set_free(rows);
    } while (1);
    consilia_row_set_free(rows);
    CHECK(seen == 4);
    consilia_chunks_free(chunks);
    consilia_query_free(query);
}

static void changes_by_query(const clinic_t* clinic) {
    consilia_error_t* error = NULL;
    consilia_query_t* query = visits_where(clinic, "reason = 'cough'");
    consilia_query_t* plain = NULL;
    consilia_row_set_t* rows = NULL;
    consilia_value_t value = consilia_null();
    consilia_str_t fee = consilia_str_of("fee");
    consilia_assignment_t raised = consilia_set_to("fee", "fee + :value", consilia_double(1));
    int64_t count = 0;
    OK("unordered", consilia_query_unordered(query, &plain, &error));
    OK("update", consilia_query_update(plain, clinic->session, &raised, 1, &count, &error));
    CHECK(count == 2);
    raised = consilia_set_to("fee", "fee - :value", consilia_double(1));
    OK("returning",
       consilia_query_update_returning(plain, clinic->session, &raised, 1, &fee, 1, &rows, &error));
    CHECK(consilia_row_set_size(rows) == 2);
    OK("cell", consilia_row_set_value(rows, 0, 0, &value, &error));
    CHECK(value.type == CONSILIA_TYPE_DOUBLE && (value.as.number == 1.0 || value.as.number == 3.0));
    EXPECT("range", consilia_row_set_value(rows, 2, 0, &value, &error), CONSILIA_INVALID_ARGUMENT,
           "row.range");
    CHECK(value.type == CONSILIA_TYPE_NULL);
    consilia_row_set_free(rows);
    EXPECT("nothing", consilia_query_update(plain, clinic->session, NULL, 0, &count, &error),
           CONSILIA_INVALID_ARGUMENT, "query.assignments");
    consilia_query_free(plain);
    consilia_query_free(query);
}

static void columns_lie_as_arrow_has_them(const clinic_t* clinic) {
    consilia_error_t* error = NULL;
    consilia_query_t* query = with_columns(visits_where(clinic, "true"), "grade", "reason");
    consilia_row_set_t* rows = NULL;
    consilia_row_set_t* copy = NULL;
    consilia_column_data_t column;
    struct ArrowSchema schema;
    struct ArrowArray array;
    struct ArrowArrayStream stream;
    const int32_t* offsets;
    OK("run", consilia_query_run(query, clinic->session, &rows, &error));
    OK("grade", consilia_row_set_column_data(rows, 0, &column, &error));
    CHECK(column.type == CONSILIA_TYPE_INT64 && column.size == 4 && column.null_count == 2);
    CHECK(consilia_column_is_null(&column, 0) && !consilia_column_is_null(&column, 1));
    CHECK(((const int64_t*)column.values)[1] == 2);
    OK("reason", consilia_row_set_column_data(rows, 1, &column, &error));
    offsets = (const int32_t*)column.values;
    CHECK(column.offset_bits == 32 && offsets[1] - offsets[0] == 5);
    CHECK(memcmp(column.bytes + offsets[1], "fever", 5) == 0);
    OK("export", consilia_row_set_export_arrow(rows, &schema, &array, &error));
    consilia_row_set_free(rows); /* The arrays keep the rows. */
    CHECK(array.length == 4 && array.n_children == 2 && strcmp(schema.children[1]->name, "reason") == 0);
    OK("import", consilia_row_set_import_arrow(&array, &schema, &copy, &error));
    CHECK(array.release == NULL && schema.release == NULL);
    CHECK(consilia_row_set_size(copy) == 4 && consilia_row_set_column_count(copy) == 2);
    consilia_row_set_free(copy);
    consilia_query_free(query);
    query = visits_where(clinic, "true"); /* Chunks need the column of their order. */
    OK("stream", consilia_query_stream_arrow(query, clinic->database, 3, &stream, &error));
    consilia_query_free(query);
    CHECK(stream.get_next(&stream, &array) == 0 && array.length == 3);
    array.release(&array);
    CHECK(stream.get_next(&stream, &array) == 0 && array.length == 1);
    array.release(&array);
    stream.release(&stream);
}

static void children_come_with_their_parents(const clinic_t* clinic) {
    consilia_error_t* error = NULL;
    consilia_query_t* patients = NULL;
    consilia_query_t* query = NULL;
    consilia_query_t* visits = NULL;
    consilia_row_tree_t* tree = NULL;
    consilia_buffer_t json = {NULL, 0};
    consilia_str_t name = consilia_str_of("name");
    consilia_str_t columns[2];
    size_t begin = 0;
    size_t end = 0;
    columns[0] = consilia_str_of("patient_id");
    columns[1] = consilia_str_of("fee");
    OK("patients", consilia_model_query(clinic->patients, &patients, &error));
    {
        consilia_query_t* next = NULL;
        consilia_str_t id_and_name[2];
        consilia_order_t by = consilia_order_of("id");
        id_and_name[0] = consilia_str_of("id");
        id_and_name[1] = name;
        OK("select", consilia_query_select(patients, id_and_name, 2, &next, &error));
        become(&patients, next);
        OK("order", consilia_query_order_by(patients, &by, 1, &next, &error));
        become(&patients, next);
    }
    {
        consilia_query_t* all = visits_where(clinic, "true");
        OK("select", consilia_query_select(all, columns, 2, &visits, &error));
        consilia_query_free(all);
    }
    OK("prefetch", consilia_query_prefetch(patients, consilia_str_of("visits"), visits,
                                           consilia_str_of("patient"), &query, &error));
    consilia_query_free(visits);
    consilia_query_free(patients);
    OK("run", consilia_query_run_tree(query, clinic->session, &tree, &error));
    CHECK(consilia_row_tree_branch_count(tree) == 1);
    CHECK(is(consilia_row_tree_branch_name(tree, 0), "visits"));
    OK("range", consilia_row_tree_range(tree, 0, 1, &begin, &end, &error));
    CHECK(begin == 2 && end == 4);
    OK("json", consilia_row_tree_json(tree, &json, &error));
    CHECK(buffer_is(&json,
                    "[{\"id\":1,\"name\":\"Ann\",\"visits\":[{\"patient_id\":1,\"fee\":1.0},"
                    "{\"patient_id\":1,\"fee\":2.0}]},{\"id\":2,\"name\":\"Ben\",\"visits\":"
                    "[{\"patient_id\":2,\"fee\":3.0},{\"patient_id\":2,\"fee\":4.0}]}]"));
    consilia_buffer_free(&json);
    consilia_row_tree_free(tree);
    OK("first", consilia_query_first_tree(query, clinic->session, &tree, &error));
    CHECK(consilia_row_set_size(consilia_row_tree_rows(tree)) == 1);
    OK("range", consilia_row_tree_range(tree, 0, 0, &begin, &end, &error));
    CHECK(begin == 0 && end == 2);
    consilia_row_tree_free(tree);
    EXPECT("many", consilia_query_get_tree(query, clinic->session, &tree, &error), CONSILIA_CONFLICT,
           "query.many");
    CHECK(tree == NULL);
    consilia_query_free(query);
}

static void queries_stand_inside_queries(const clinic_t* clinic) {
    consilia_error_t* error = NULL;
    consilia_query_t* patients = NULL;
    consilia_query_t* related = NULL;
    consilia_query_t* next = NULL;
    consilia_query_t* dear = visits_where(clinic, "fee > 3");
    consilia_query_t* both = NULL;
    int64_t count = 0;
    OK("patients", consilia_model_query(clinic->patients, &patients, &error));
    OK("related", consilia_query_related(dear, consilia_str_of("patient"), &related, &error));
    OK("exists", consilia_query_where_exists(patients, related, 0, &next, &error));
    OK("count", consilia_query_count(next, clinic->session, &count, &error));
    CHECK(count == 1);
    consilia_query_free(next);
    OK("not exists", consilia_query_where_exists(patients, related, 1, &next, &error));
    OK("count", consilia_query_count(next, clinic->session, &count, &error));
    CHECK(count == 1);
    consilia_query_free(next);
    OK("annotate", consilia_query_annotate_query(patients, consilia_str_of("dear"), related,
                                                 consilia_str_of("count(*)"), &next, &error));
    consilia_query_free(next);
    OK("union", consilia_query_union_all(dear, dear, &both, &error));
    OK("count", consilia_query_count(both, clinic->session, &count, &error));
    CHECK(count == 2);
    consilia_query_free(both);
    consilia_query_free(related);
    consilia_query_free(patients);
    consilia_query_free(dear);
}

static void a_query_tells_how_it_runs(const clinic_t* clinic) {
    consilia_error_t* error = NULL;
    consilia_query_t* query = visits_where(clinic, "fee > 3");
    consilia_buffer_t text = {NULL, 0};
    OK("sql", consilia_query_sql(query, CONSILIA_DIALECT_SQLITE, &text, &error));
    CHECK(strstr(text.data, "\"fee\" > ?") != NULL);
    consilia_buffer_free(&text);
    OK("explain", consilia_query_explain(query, clinic->session, &text, &error));
    CHECK(strstr(text.data, "\"full_scans\":[") != NULL);
    consilia_buffer_free(&text);
    consilia_query_free(query);
}

int main(int argc, char** argv) {
    clinic_t clinic;
    if (argc != 3) return 2;
    open_clinic(&clinic, argv[1]);
    add_patient(&clinic, "Ann");
    add_patient(&clinic, "Ben");
    add_visit(&clinic, 1, "cough", 1, consilia_null());
    add_visit(&clinic, 1, "fever", 2, consilia_int64(2));
    add_visit(&clinic, 2, "cough", 3, consilia_null());
    add_visit(&clinic, 2, "fever", 4, consilia_int64(1));
    steps_narrow_order_and_cut(&clinic);
    groups_and_aggregates_are_calculated(&clinic);
    pages_by_keyset_and_chunks_give_all_rows_once(&clinic);
    changes_by_query(&clinic);
    columns_lie_as_arrow_has_them(&clinic);
    children_come_with_their_parents(&clinic);
    queries_stand_inside_queries(&clinic);
    a_query_tells_how_it_runs(&clinic);
    close_clinic(&clinic);
    return failures == 0 ? 0 : 1;
}
