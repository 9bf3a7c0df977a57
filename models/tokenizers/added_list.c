// Added tokens in a list. Gemma 3 has 6,400 of them: they are found by a hash.
#include <string.h>

#include "models/tokenizers/tokenizer_internal.h"

Status added_list_append(AddedList *list, Arena *arena, AddedToken token, Error *err)
{
    if (list->n == ADDED_MOST) return error_set(err, STATUS_INVALID, "too many added tokens");
    TRY(arena_make_room(arena, list->n, &list->capacity, sizeof *list->tokens, "added tokens",
                        &list->tokens, err));
    list->tokens[list->n++] = token;
    return STATUS_OK;
}

Status added_list_put(AddedList *list, Arena *arena, AddedToken token, Error *err)
{
    size_t at = 0;
    TRY(added_list_find(list, arena, &token, ADDED_BY_CONTENT, &at, err));
    return at < list->n ? STATUS_OK : added_list_append(list, arena, token, err);
}

static uint64_t hash_of(const AddedToken *token, AddedKey key)
{
    return key == ADDED_BY_ID ? token_hash_finish((uint32_t)token->id) : token_hash(token->content);
}

static bool is_same(const AddedToken *a, const AddedToken *b, AddedKey key)
{
    return key == ADDED_BY_ID ? a->id == b->id : slice_eq(a->content, b->content);
}

static void put_place(const AddedList *list, AddedPlaces *places, AddedKey key, size_t index)
{
    const size_t mask = places->n_slots - 1;
    size_t at = (size_t)hash_of(&list->tokens[index], key) & mask;
    while (places->slots[at] != 0) at = (at + 1) & mask;
    places->slots[at] = (uint32_t)index + 1;
}

// Half of the slots at least are free.
static Status know_all(AddedList *list, Arena *arena, AddedKey key, Error *err)
{
    enum { LEAST_SLOTS = 64 };
    AddedPlaces *places = &list->places[key];
    if (places->n_known > list->n || 2 * list->n > places->n_slots) {
        size_t n_slots = places->n_slots > 0 ? places->n_slots : LEAST_SLOTS;
        while (n_slots < 2 * list->n) n_slots *= 2;
        if (n_slots > places->n_slots)
            TRY(arena_take(arena, n_slots, sizeof *places->slots, "added tokens", &places->slots,
                           err));
        else
            memset(places->slots, 0, n_slots * sizeof *places->slots);
        places->n_slots = n_slots;
        places->n_known = 0;
    }
    for (; places->n_known < list->n; places->n_known++)
        put_place(list, places, key, places->n_known);
    return STATUS_OK;
}

Status added_list_find(AddedList *list, Arena *arena, const AddedToken *token, AddedKey key,
                       size_t *at, Error *err)
{
    const AddedPlaces *places = &list->places[key];
    *at = list->n;
    if (list->n == 0) return STATUS_OK;
    TRY(know_all(list, arena, key, err));
    const size_t mask = places->n_slots - 1;
    for (size_t i = (size_t)hash_of(token, key) & mask; places->slots[i] != 0; i = (i + 1) & mask) {
        const size_t index = places->slots[i] - 1;
        if (index < *at && is_same(&list->tokens[index], token, key)) *at = index;
    }
    return STATUS_OK;
}

void added_list_changed(AddedList *list)
{
    for (int key = 0; key < N_ADDED_KEYS; key++) list->places[key].n_known = SIZE_MAX;
}
