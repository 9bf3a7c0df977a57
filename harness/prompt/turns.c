// A prompt as a conversation: turns of system, user and assistant through the model's chat template.
#include "base/buffer_keep.h"
#include "base/json_writer.h"
#include "harness/prompt/asking.h"
#include "models/checkpoint.h"

Status prompt_open_chat(const char *path, const Model *model, Arena *arena, ChatTemplate *out,
                        Error *err)
{
    const char *real = NULL;
    TRY(checkpoint_resolve(arena, path, &real, err));
    TRY(chat_open(arena, real, model_tokenizer(model), out, err));
    if (out->template) return STATUS_OK;
    return error_set(
        err, STATUS_INVALID,
        "%s: the model has no chat template, which \"chat\" in the task's prompt asks for: "
        "leave \"chat\" out, or put a chat_template.jinja beside its tokenizer",
        path);
}

Status prompt_add_turn(PromptAsking *a, const char *role, Slice content, Arena *arena, Error *err)
{
    TRY(arena_make_room(arena, a->n_turns, &a->turns_capacity, sizeof *a->turns, "turns", &a->turns,
                        err));
    const Slice trimmed = slice_trim(content), copy = arena_copy(arena, trimmed);
    if (!copy.ptr) return error_set_memory(err, trimmed.len, 1, "a turn");
    a->turns[a->n_turns++] = (PromptTurn){role, copy};
    return STATUS_OK;
}

static void put_turn(JsonWriter *w, const char *role, Slice content)
{
    json_begin_object(w);
    json_member_cstr(w, "role", role);
    json_member_string(w, "content", content);
    json_end_object(w);
}

Status prompt_converse(const PromptAsking *a, Slice question, Arena *arena, Slice *out, Error *err)
{
    Buffer messages = {0}, text = {0};
    JsonWriter w = json_writer(&messages, 0);
    json_begin_array(&w);
    for (size_t i = 0; i < a->n_turns; i++) put_turn(&w, a->turns[i].role, a->turns[i].content);
    put_turn(&w, "user", slice_trim(question));
    json_end_array(&w);
    const ChatRequest request = {.messages = buffer_slice(&messages)};
    Status s = buffer_status(&messages, err);
    if (s == STATUS_OK) s = chat_render(a->chat, &request, &text, err);
    if (s == STATUS_OK) s = buffer_keep(&text, arena, "a prompt", out, err);
    buffer_release(&messages);
    buffer_release(&text);
    return s;
}
