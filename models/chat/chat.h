// models/chat/chat.h: a conversation as the text that a model was trained to go on from.
//
// The template stands in chat_template.jinja, in tokenizer_config.json ("chat_template": a text, or a list of named ones, of which
// "default" counts), or in a GGUF file's tokenizer.chat_template. Texts are those of Transformers' apply_chat_template with
// add_generation_prompt; but a text does not depend on the day: strftime_now is not defined, and where it is called all the same, it
// is the day that the variable strftime_now has, or 1 January 2025.
#ifndef ASSAY_MODELS_CHAT_CHAT_H
#define ASSAY_MODELS_CHAT_CHAT_H

#include "models/chat/jinja.h"
#include "models/tokenizers/tokenizer.h"

enum { CHAT_MAX_SPECIALS = 8 };

typedef struct ChatTemplate {
    const JinjaTemplate *template;             // NULL: the model has none
    JinjaVariable specials[CHAT_MAX_SPECIALS]; // bos_token and the like
    size_t n_specials;
} ChatTemplate;

// path: a model's directory or GGUF file, as checkpoint_resolve gives it. The template's text into the arena; empty where
// there is none.
Status chat_template_text(Arena *arena, const char *path, Slice *out, Error *err) MUST_CHECK;
// tokenizer: for the special tokens of a GGUF file; may be NULL.
Status chat_open(Arena *arena, const char *path, const Tokenizer *tokenizer, ChatTemplate *out,
                 Error *err) MUST_CHECK;

// A conversation in JSON: messages [{"role": .., "content": ..}, ..]; the others may be empty: tools, and an object with further
// variables of the template.
typedef struct ChatRequest {
    Slice messages, tools, variables;
} ChatRequest;

// Appends the text, ready for the model's answer.
Status chat_render(const ChatTemplate *chat, const ChatRequest *request, Buffer *out,
                   Error *err) MUST_CHECK;
// The tokens of such a text: special ones written in it are read as such, and none is added. In the arena.
Status chat_encode(const Tokenizer *tokenizer, Slice text, Arena *arena, Encoding *out,
                   Error *err) MUST_CHECK;

#endif
