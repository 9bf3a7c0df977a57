#include "metrics/mecab.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"

// What of MeCab's C interface (mecab.h of 0.996) is used. A model may be shared by threads; a lattice may not.
typedef struct MecabModel MecabModel;
typedef struct MecabTagger MecabTagger;
typedef struct MecabLattice MecabLattice;
typedef struct MecabDictionary { // mecab_dictionary_info_t
    const char *filename, *charset;
    unsigned int n_words;
    int type;
    unsigned int left_size, right_size;
    unsigned short version;
    struct MecabDictionary *next;
} MecabDictionary;

typedef struct MecabCalls {
    const char *(*version)(void);
    MecabModel *(*model_new)(int n_arguments, char **arguments);
    void (*model_destroy)(MecabModel *model);
    MecabTagger *(*new_tagger)(MecabModel *model);
    const MecabDictionary *(*dictionary_info)(MecabModel *model);
    MecabLattice *(*new_lattice)(MecabModel *model);
    void (*lattice_destroy)(MecabLattice *lattice);
    void (*set_sentence)(MecabLattice *lattice, const char *text, size_t len);
    int (*parse)(MecabTagger *tagger, MecabLattice *lattice);
    const char *(*to_text)(MecabLattice *lattice);
} MecabCalls;

typedef struct LanguageRules {
    const char *name, *library_variable, *dictionary_variable;
    const char *dictionaries[4], *libraries[3];
    const char *dictionary_name;
    struct {
        unsigned int n_words;
        const char *suffix;   // of the version in signatures
    } editions[2];            // the one that the reference insists on first
    const char *version_part; // that the library's version must have, or NULL
    const char *remedy;
} LanguageRules;

static const LanguageRules rules[N_MECAB_LANGUAGES] = {
    [MECAB_JAPANESE] =
        {.name = "ja-mecab",
         .library_variable = "ASSAY_MECAB_LIBRARY",
         .dictionary_variable = "ASSAY_MECAB_DICTIONARY",
         .dictionaries = {"/var/lib/mecab/dic/ipadic-utf8", "/usr/lib/mecab/dic/ipadic-utf8",
                          "/usr/local/lib/mecab/dic/ipadic"},
         .libraries = {"libmecab.so.2"},
         .dictionary_name = "IPA",
         // Debian's has one word more, the era Reiwa, which changes texts that name it.
         .editions = {{392126, "IPA"}, {392127, "IPA+reiwa"}},
         .remedy = "install the packages libmecab2 and mecab-ipadic-utf8, or name a library in "
                   "ASSAY_MECAB_LIBRARY and a folder in ASSAY_MECAB_DICTIONARY"},
    [MECAB_KOREAN] = {.name = "ko-mecab",
                      .library_variable = "ASSAY_MECAB_KO_LIBRARY",
                      .dictionary_variable = "ASSAY_MECAB_KO_DICTIONARY",
                      .dictionaries = {"/usr/local/lib/mecab/dic/mecab-ko-dic",
                                       "/usr/lib/mecab/dic/mecab-ko-dic",
                                       "/var/lib/mecab/dic/mecab-ko-dic"},
                      .libraries = {"/usr/local/lib/libmecab.so.2", "libmecab.so.2"},
                      .dictionary_name = "mecab-ko-dic",
                      .editions = {{811795, "KO"}},
                      .version_part = "/ko",
                      .remedy = "install mecab-ko and mecab-ko-dic (the Python packages of these "
                                "names have both), and name the library in ASSAY_MECAB_KO_LIBRARY "
                                "and the dictionary's folder in ASSAY_MECAB_KO_DICTIONARY"},
};

// Opened once and kept: MeCab is C++, whose library loses what it holds where it is unloaded.
typedef struct OpenMecab {
    bool is_tried;
    Status status;
    Error error;
    MecabCalls calls;
    MecabModel *model;
    MecabTagger *tagger;
    const char *suffix;
    char version[64];
} OpenMecab;

static OpenMecab opened[N_MECAB_LANGUAGES];
static pthread_mutex_t opened_lock = PTHREAD_MUTEX_INITIALIZER;

static bool find_calls(void *handle, MecabCalls *calls)
{
    const struct {
        void **to;
        const char *name;
    } names[] = {
        {(void **)&calls->version, "mecab_version"},
        {(void **)&calls->model_new, "mecab_model_new"},
        {(void **)&calls->model_destroy, "mecab_model_destroy"},
        {(void **)&calls->new_tagger, "mecab_model_new_tagger"},
        {(void **)&calls->dictionary_info, "mecab_model_dictionary_info"},
        {(void **)&calls->new_lattice, "mecab_model_new_lattice"},
        {(void **)&calls->lattice_destroy, "mecab_lattice_destroy"},
        {(void **)&calls->set_sentence, "mecab_lattice_set_sentence2"},
        {(void **)&calls->parse, "mecab_parse_lattice"},
        {(void **)&calls->to_text, "mecab_lattice_tostr"},
    };
    bool is_whole = true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        *names[i].to = dlsym(handle, names[i].name);
        is_whole &= *names[i].to != NULL;
    }
    return is_whole;
}

// The library: the one that the user names, or the first of the usual ones that fits.
static Status open_library(const LanguageRules *r, OpenMecab *m, Error *err)
{
    const char *own = getenv(r->library_variable);
    const char *names[4] = {own};
    for (size_t i = 0; own == NULL && r->libraries[i] != NULL; i++) names[i] = r->libraries[i];
    const char *found = NULL;
    for (size_t i = 0; i < 4 && names[i] != NULL; i++) {
        void *handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        if (handle == NULL) continue;
        if (!find_calls(handle, &m->calls)) {
            found = names[i];
            continue;
        }
        const char *version = m->calls.version();
        if (r->version_part == NULL || strstr(version, r->version_part) != NULL) return STATUS_OK;
        found = version;
    }
    if (found != NULL) {
        return error_set(err, STATUS_INVALID, "%s is not the MeCab that %s wants: %s", found,
                         r->name, r->remedy);
    }
    return error_set(err, STATUS_INVALID, "MeCab's library %s cannot be opened: %s",
                     own != NULL ? own : r->libraries[0], r->remedy);
}

static Status open_model(const LanguageRules *r, OpenMecab *m, const char *folder, Error *err)
{
    char program[] = "assay", rc[] = "-r", no_file[] = "/dev/null", dictionary[] = "-d",
         format[] = "-Owakati", path[4096];
    if (snprintf(path, sizeof path, "%s", folder) >= (int)sizeof path) {
        return error_set(err, STATUS_INVALID, "%s is too long a path", folder);
    }
    char *arguments[] = {program, rc, no_file, dictionary, path, format, NULL};
    m->model = m->calls.model_new(6, arguments);
    if (m->model == NULL) {
        return error_set(err, STATUS_INVALID, "MeCab cannot read the dictionary %s: %s", folder,
                         r->remedy);
    }
    const MecabDictionary *info = m->calls.dictionary_info(m->model);
    const bool is_utf8 =
        info != NULL &&
        (strcmp(info->charset, "UTF-8") == 0 || strcmp(info->charset, "utf-8") == 0 ||
         strcmp(info->charset, "UTF8") == 0 || strcmp(info->charset, "utf8") == 0);
    for (size_t i = 0; is_utf8 && info->next == NULL && i < 2; i++) {
        if (info->n_words == r->editions[i].n_words) m->suffix = r->editions[i].suffix;
    }
    if (m->suffix == NULL) {
        const unsigned int n_words = info != NULL ? info->n_words : 0;
        m->calls.model_destroy(m->model);
        m->model = NULL;
        return error_set(err, STATUS_INVALID,
                         "%s has %u words%s: %s wants the %s dictionary of %u words in UTF-8; %s",
                         folder, n_words, is_utf8 ? "" : " that are not UTF-8", r->name,
                         r->dictionary_name, r->editions[0].n_words, r->remedy);
    }
    m->tagger = m->calls.new_tagger(m->model);
    if (m->tagger != NULL) return STATUS_OK;
    return error_set(err, STATUS_MEMORY, "MeCab cannot start on %s", folder);
}

static Status open_dictionary(const LanguageRules *r, OpenMecab *m, Error *err)
{
    const char *own = getenv(r->dictionary_variable);
    if (own != NULL) return open_model(r, m, own, err);
    for (size_t i = 0; r->dictionaries[i] != NULL; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/sys.dic", r->dictionaries[i]);
        FILE *file = fopen(path, "rb");
        if (file == NULL) continue;
        (void)fclose(file);
        return open_model(r, m, r->dictionaries[i], err);
    }
    return error_set(err, STATUS_INVALID, "the %s dictionary of MeCab is not in %s: %s",
                     r->dictionary_name, r->dictionaries[0], r->remedy);
}

static void open_once(const LanguageRules *r, OpenMecab *m)
{
    m->is_tried = true;
    m->status = open_library(r, m, &m->error);
    if (m->status == STATUS_OK) m->status = open_dictionary(r, m, &m->error);
    if (m->status != STATUS_OK) return;
    snprintf(m->version, sizeof m->version, "%s-%s", m->calls.version(), m->suffix);
}

Status mecab_open(MecabLanguage language, Error *err)
{
    OpenMecab *m = &opened[language];
    pthread_mutex_lock(&opened_lock);
    if (!m->is_tried) open_once(&rules[language], m);
    const Status s = m->status;
    if (s != STATUS_OK && err != NULL) *err = m->error;
    pthread_mutex_unlock(&opened_lock);
    return s;
}

Status mecab_version(MecabLanguage language, const char **version, Error *err)
{
    TRY(mecab_open(language, err));
    *version = opened[language].version;
    return STATUS_OK;
}

Status mecab_wakati(MecabLanguage language, Slice text, Arena *arena, Slice *out, Error *err)
{
    TRY(mecab_open(language, err));
    const OpenMecab *m = &opened[language]; // not written any more
    *out = (Slice){0};
    if (text.len == 0) return STATUS_OK;
    if (slice_find_byte(text, '\0') != SIZE_MAX) {
        return error_set(err, STATUS_INVALID, "byte %zu of the text is U+0000, where MeCab ends",
                         slice_find_byte(text, '\0'));
    }
    MecabLattice *lattice = m->calls.new_lattice(m->model);
    if (lattice == NULL) return error_set_memory(err, 1, text.len, "MeCab's lattice");
    Status s = STATUS_OK;
    m->calls.set_sentence(lattice, text.ptr, text.len);
    const char *words = m->calls.parse(m->tagger, lattice) ? m->calls.to_text(lattice) : NULL;
    if (words == NULL) {
        s = error_set(err, STATUS_INVALID, "MeCab cannot cut a text of %zu bytes", text.len);
    } else {
        *out = arena_copy(arena, slice_from_cstr(words));
        if (out->ptr == NULL) s = error_set_memory(err, 1, strlen(words), "words");
    }
    m->calls.lattice_destroy(lattice);
    return s;
}
