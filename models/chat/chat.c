#include "models/chat/chat.h"

#include <string.h>

#include "base/file.h"
#include "models/formats/gguf.h"

enum { MAX_FILE = 64 << 20 };

// ---- where the template stands ----

static Status keep(Arena *arena, Slice text, Slice *out, Error *err)
{
    *out = arena_copy(arena, text);
    return out->ptr ? STATUS_OK : error_set_memory(err, text.len, 1, "a template");
}

// *out stays NULL where the file is not there.
static Status load(Arena *arena, const char *directory, const char *name, JsonDocument **out,
                   Error *err)
{
    const char *path = file_join(arena, slice_from_cstr(directory), slice_from_cstr(name));
    if (!path) return error_set_memory(err, 1, strlen(directory), "a path");
    return file_exists(path) ? json_load(path, JSON_STRICT, out, err) : STATUS_OK;
}

// A text, or of a list of {"name": .., "template": ..} the one called "default".
static Status read_member(Arena *arena, const Json *value, Slice *out, Error *err)
{
    if (!value || json_kind(value) == JSON_NULL) return STATUS_OK;
    if (json_kind(value) == JSON_STRING) return keep(arena, json_string(value), out, err);
    for (const Json *v = json_first(value); v; v = json_next(v)) {
        Slice name = {0}, text = {0};
        TRY(json_want_string(v, "name", &name, err));
        TRY(json_want_string(v, "template", &text, err));
        if (slice_eq_cstr(name, "default")) return keep(arena, text, out, err);
    }
    return STATUS_OK;
}

static Status text_of_gguf(Arena *arena, const char *path, Slice *out, Error *err)
{
    Gguf file = {0};
    Slice text = {0};
    TRY(gguf_open(path, &file, err));
    Status s = gguf_get_string(&file, "tokenizer.chat_template", &text, NULL, err);
    if (s == STATUS_OK && text.len > 0) s = keep(arena, text, out, err);
    gguf_close(&file);
    return s;
}

Status chat_template_text(Arena *arena, const char *path, Slice *out, Error *err)
{
    static const char *const files[] = {"chat_template.json", "tokenizer_config.json"};
    *out = (Slice){0};
    if (!file_is_directory(path)) return text_of_gguf(arena, path, out, err);
    const char *jinja = file_join(arena, slice_from_cstr(path), SLICE("chat_template.jinja"));
    if (!jinja) return error_set_memory(err, 1, strlen(path), "a path");
    if (file_exists(jinja)) return file_read(arena, jinja, MAX_FILE, out, err);
    for (size_t i = 0; i < sizeof files / sizeof *files && out->len == 0; i++) {
        JsonDocument *document = NULL;
        TRY(load(arena, path, files[i], &document, err));
        const Status s =
            document ? read_member(arena, json_get(json_root(document), "chat_template"), out, err)
                     : STATUS_OK;
        json_close(&document);
        TRY(s);
    }
    return STATUS_OK;
}

// ---- special tokens ----

static const struct {
    const char *name;
    SpecialToken token;
} specials[] = {{"bos_token", SPECIAL_BOS},  {"eos_token", SPECIAL_EOS}, {"unk_token", SPECIAL_UNK},
                {"sep_token", SPECIAL_SEP},  {"pad_token", SPECIAL_PAD}, {"cls_token", SPECIAL_CLS},
                {"mask_token", SPECIAL_MASK}};
enum { N_SPECIALS = sizeof specials / sizeof *specials };

static void add_special(ChatTemplate *chat, const char *name, Slice text)
{
    for (size_t i = 0; i < chat->n_specials; i++) {
        if (strcmp(chat->specials[i].name, name) == 0) {
            chat->specials[i].text = text;
            return;
        }
    }
    chat->specials[chat->n_specials++] = (JinjaVariable){.name = name, .text = text};
}

// Tokens as texts or as objects with "content"; null leaves the name undefined.
static Status read_specials(Arena *arena, const Json *root, ChatTemplate *chat, Error *err)
{
    for (size_t i = 0; i < N_SPECIALS; i++) {
        const Json *value = json_get(root, specials[i].name);
        Slice text = {0};
        if (value && json_kind(value) == JSON_OBJECT) value = json_get(value, "content");
        if (!value || json_kind(value) != JSON_STRING) continue;
        TRY(keep(arena, json_string(value), &text, err));
        add_special(chat, specials[i].name, text);
    }
    return STATUS_OK;
}

static Status find_specials(Arena *arena, const char *path, const Tokenizer *tokenizer,
                            ChatTemplate *chat, Error *err)
{
    static const char *const files[] = {"special_tokens_map.json", "tokenizer_config.json"};
    for (size_t i = 0; i < 2 && file_is_directory(path); i++) {
        JsonDocument *document = NULL;
        TRY(load(arena, path, files[i], &document, err));
        const Status s =
            document ? read_specials(arena, json_root(document), chat, err) : STATUS_OK;
        json_close(&document);
        TRY(s);
    }
    if (!tokenizer || chat->n_specials > 0) return STATUS_OK;
    for (size_t i = 0; i < N_SPECIALS; i++) {
        Slice text = {0};
        const int32_t id = tokenizer_special(tokenizer, specials[i].token);
        if (id < 0) continue;
        TRY(keep(arena, tokenizer_token(tokenizer, id), &text, err));
        add_special(chat, specials[i].name, text);
    }
    return STATUS_OK;
}

Status chat_open(Arena *arena, const char *path, const Tokenizer *tokenizer, ChatTemplate *out,
                 Error *err)
{
    Slice text = {0};
    *out = (ChatTemplate){0};
    TRY(chat_template_text(arena, path, &text, err));
    if (text.len == 0) return STATUS_OK;
    TRY(find_specials(arena, path, tokenizer, out, err));
    return jinja_parse(arena, SLICE("chat template"), text, &out->template, err);
}

// ---- using it ----

typedef struct Conversation {
    JsonDocument *messages, *tools, *variables;
} Conversation;

// A text of JSON; *out stays NULL where it is empty or null.
static Status parse_part(Slice text, const char *name, JsonDocument **out, Error *err)
{
    text = slice_trim(text);
    if (text.len == 0 || slice_eq_cstr(text, "null")) return STATUS_OK;
    return json_parse(slice_from_cstr(name), text, JSON_STRICT, out, err);
}

static Status parse_request(const ChatRequest *request, Conversation *out, Error *err)
{
    TRY(parse_part(request->messages, "messages", &out->messages, err));
    TRY(parse_part(request->tools, "tools", &out->tools, err));
    TRY(parse_part(request->variables, "chat_template_kwargs", &out->variables, err));
    const Json *messages = out->messages ? json_root(out->messages) : NULL;
    if (!messages || json_kind(messages) != JSON_ARRAY || json_len(messages) == 0)
        return error_set(err, STATUS_INVALID,
                         "\"messages\" must be a list of {\"role\": .., \"content\": ..}");
    if (!out->variables || json_kind(json_root(out->variables)) == JSON_OBJECT) return STATUS_OK;
    return error_set(err, STATUS_INVALID, "\"chat_template_kwargs\" must be an object");
}

static Status render(const ChatTemplate *chat, const Conversation *of, Buffer *out, Error *err)
{
    enum { MAX_VARIABLES = 64, MAX_NAME = 64 };
    JinjaVariable variables[MAX_VARIABLES] = {
        {.name = "messages", .json = json_root(of->messages)},
        {.name = "tools", .json = of->tools ? json_root(of->tools) : NULL, .is_none = !of->tools},
        {.name = "documents", .is_none = true},
        {.name = "add_generation_prompt", .is_true = true}};
    char names[MAX_VARIABLES][MAX_NAME];
    size_t n = 4;
    for (size_t i = 0; i < chat->n_specials; i++) variables[n++] = chat->specials[i];
    const Json *more = of->variables ? json_first(json_root(of->variables)) : NULL;
    for (const Json *v = more; v; v = json_next(v)) {
        const Slice key = json_key(v);
        if (n == MAX_VARIABLES || key.len >= MAX_NAME)
            return error_set(err, STATUS_INVALID,
                             "\"chat_template_kwargs\" has too many members or too long names");
        if (key.len > 0) memcpy(names[n], key.ptr, key.len);
        names[n][key.len] = '\0';
        variables[n] = (JinjaVariable){.name = names[n], .json = v};
        n++;
    }
    return jinja_render(chat->template, variables, n, out, err);
}

Status chat_render(const ChatTemplate *chat, const ChatRequest *request, Buffer *out, Error *err)
{
    Conversation conversation = {0};
    if (!chat->template)
        return error_set(err, STATUS_INVALID,
                         "the model has no chat template, which \"messages\" need: write the text "
                         "as a \"prompt\"");
    Status s = parse_request(request, &conversation, err);
    if (s == STATUS_OK) s = render(chat, &conversation, out, err);
    json_close(&conversation.messages);
    json_close(&conversation.tools);
    json_close(&conversation.variables);
    return s;
}

Status chat_encode(const Tokenizer *tokenizer, Slice text, Arena *arena, Encoding *out, Error *err)
{
    size_t n = 0;
    TRY(tokenizer_encode(tokenizer, text, NULL, NULL, arena, out, err));
    for (size_t i = 0; i < out->n_tokens; i++) {
        if (out->special[i]) continue;
        out->ids[n] = out->ids[i];
        out->type_ids[n] = out->type_ids[i];
        out->tokens[n] = out->tokens[i];
        out->offsets[n] = out->offsets[i];
        out->word_ids[n] = out->word_ids[i];
        out->sequence[n] = out->sequence[i];
        out->special[n++] = 0;
    }
    out->n_tokens = n;
    return STATUS_OK;
}
