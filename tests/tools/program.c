#include "program.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "models/architecture.h"

extern char **environ;

enum { MAX_ARGUMENTS = 64 };

static Slice read_back(Arena *arena, FILE *file)
{
    const long size = (fseek(file, 0, SEEK_END), ftell(file));
    cr_assert(size >= 0);
    char *text = arena_alloc(arena, (size_t)size + 1, 1);
    rewind(file);
    cr_assert_eq(fread(text, 1, (size_t)size, file), (size_t)size);
    return (Slice){text, (size_t)size};
}

static int wait_for(pid_t pid)
{
    int state = 0;
    cr_assert_eq(waitpid(pid, &state, 0), pid);
    return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

Program program_run(Arena *arena, const char *input, const char *out_path,
                    const char *const *arguments)
{
    FILE *in = tmpfile(), *out = tmpfile(), *err = tmpfile();
    char *argv[MAX_ARGUMENTS] = {(char *)"assay"};
    posix_spawn_file_actions_t actions;
    pid_t pid = 0;
    cr_assert(in && out && err);
    if (input) cr_assert(fputs(input, in) >= 0);
    rewind(in);
    for (size_t i = 0; arguments[i]; i++) {
        cr_assert_lt(i + 2, (size_t)MAX_ARGUMENTS);
        argv[i + 1] = (char *)arguments[i];
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fileno(in), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, fileno(err), STDERR_FILENO);
    if (!out_path) {
        posix_spawn_file_actions_adddup2(&actions, fileno(out), STDOUT_FILENO);
    } else if (out_path[0] == '\0') {
        posix_spawn_file_actions_addclose(&actions, STDOUT_FILENO);
    } else {
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out_path, O_WRONLY, 0);
    }
    cr_assert_eq(posix_spawn(&pid, ASSAY_BINARY, &actions, NULL, argv, environ), 0,
                 "%s could not be started", ASSAY_BINARY);
    posix_spawn_file_actions_destroy(&actions);
    const int status = wait_for(pid);
    const Program program = {status, read_back(arena, out), read_back(arena, err)};
    (void)fclose(in);
    (void)fclose(out);
    (void)fclose(err);
    return program;
}

void program_want(const Program *program, int status)
{
    cr_assert_eq(program->status, status, "exit status %d instead of %d; it said: %s",
                 program->status, status, program->err.ptr);
    if (status == 0) return;
    cr_assert(slice_starts_with(program->err, SLICE("assay")) || count_lines(program->err) > 1,
              "no message of the program: %s", program->err.ptr);
}

// Documents that tests look into; they are closed together, when the process ends.
static JsonDocument **documents;
static size_t n_documents;

static void close_documents(void)
{
    while (n_documents > 0) json_close(&documents[--n_documents]);
    free(documents);
}

static void keep_document(JsonDocument *document)
{
    if (n_documents == 0) atexit(close_documents);
    documents = realloc(documents, (n_documents + 1) * sizeof *documents);
    cr_assert(documents != NULL);
    documents[n_documents++] = document;
}

const Json *json_of(Slice text)
{
    JsonDocument *document = NULL;
    Error err = {0};
    cr_assert_eq(json_parse(SLICE("output"), text, JSON_STRICT, &document, &err), STATUS_OK,
                 "%s in: " SLICE_FMT, err.text, SLICE_ARG(slice_sub(text, 0, 400)));
    keep_document(document);
    return json_root(document);
}

const Json *json_line(Slice text, size_t line)
{
    Slice field = {0};
    for (size_t i = 0; i <= line; i++) {
        cr_assert(slice_split(&text, '\n', &field), "there are only %zu lines", i);
    }
    return json_of(field);
}

size_t count_lines(Slice text)
{
    size_t n = 0;
    Slice field;
    while (slice_split(&text, '\n', &field)) n++;
    return n;
}

double number_of(const Json *object, const char *key)
{
    const Json *value = json_get(object, key);
    cr_assert(value && json_kind(value) == JSON_NUMBER, "no number \"%s\"", key);
    return json_double(value);
}

Slice text_of(const Json *object, const char *key)
{
    const Json *value = json_get(object, key);
    cr_assert(value && json_kind(value) == JSON_STRING, "no text \"%s\"", key);
    return json_string(value);
}

bool text_contains(Slice text, const char *part)
{
    return slice_find(text, slice_from_cstr(part)) != SIZE_MAX;
}

const char *write_file(Arena *arena, const char *folder, const char *name, const char *text)
{
    Error err = {0};
    const char *path = arena_printf(arena, "%s/%s", folder, name);
    cr_assert_eq(file_write(path, slice_from_cstr(text), &err), STATUS_OK, "%s", err.text);
    return path;
}

const char *make_model(Arena *arena, const char *folder, ModelHead head, const Slice *labels,
                       size_t n_labels)
{
    Error err = {0};
    Model *model = NULL;
    const char *vocab = arena_printf(arena, "%s/vocab", folder);
    const char *path = arena_printf(arena, "%s/model", folder);
    const char *text = write_file(arena, folder, "corpus.txt",
                                  "the film is good and the film is fine\n"
                                  "a bad film is not a good film\n"
                                  "the old clock was found in the garden\n"
                                  "nobody likes the end, but it is not bad\n");
    const Program trained = RUN(arena, NULL, "tokenize", "--train", "wordpiece", "--vocab-size",
                                "80", "--min-frequency", "1", text, "--out", vocab);
    program_want(&trained, 0);
    const bool has_classes = head == HEAD_SEQUENCE || head == HEAD_TOKEN;
    const ModelConfig config = {
        .architecture = architecture_find(SLICE("bert")),
        .head = head,
        .vocab_size = 80,
        .hidden_size = 32,
        .n_layers = 2,
        .n_heads = 4,
        .intermediate_size = 64,
        .max_positions = 24,
        .type_vocab_size = 2,
        .layer_norm_eps = 1e-12f,
        .activation = ACTIVATION_GELU,
        .dropout = {.classifier = -1},
        .initializer_range = 0.2f,
        .labels = has_classes ? labels : NULL,
        .n_labels = head == HEAD_SPAN        ? 2
                    : head == HEAD_MASKED_LM ? 80
                                             : n_labels,
    };
    const ModelOptions options = {.seed = 7};
    cr_assert_eq(model_create(&config, vocab, &options, &model, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(model_save(model, path, &err), STATUS_OK, "%s", err.text);
    model_close(&model);
    return path;
}
