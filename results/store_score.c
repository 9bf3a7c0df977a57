// results/store_score.c: the eleven columns that every kind of score has, and its numbers as JSON.
#include "results/store_internal.h"

void store_bind_score(Query *query, const StoredScore *score)
{
    query_bind_text(query, score->metric);
    query_bind_text(query, score->name);
    query_bind_double(query, score->estimate);
    query_bind_double(query, score->lo);
    query_bind_double(query, score->hi);
    query_bind_double(query, score->level);
    query_bind_text(query, score->method.ptr == NULL ? SLICE("") : score->method);
    query_bind_i64(query, (int64_t)score->n);
    query_bind_i64(query, score->direction);
    query_bind_double(query, score->lowest);
    query_bind_double(query, score->highest);
}

void store_read_score(Query *query, Arena *arena, StoredScore *score)
{
    score->metric = query_text(query, arena);
    score->name = query_text(query, arena);
    score->estimate = query_double(query);
    score->lo = query_double(query);
    score->hi = query_double(query);
    score->level = query_double(query);
    score->method = query_text(query, arena);
    score->n = (uint64_t)query_i64(query, 0);
    score->direction = (int)query_i64(query, 0);
    score->lowest = query_double(query);
    score->highest = query_double(query);
}

void stored_score_numbers(JsonWriter *w, const StoredScore *score)
{
    json_member_double(w, "estimate", score->estimate);
    json_member_double(w, "lo", score->lo);
    json_member_double(w, "hi", score->hi);
    json_member_double(w, "level", score->level);
    json_member_string_or_null(w, "method", score->method);
    json_member_u64(w, "n", score->n);
}
