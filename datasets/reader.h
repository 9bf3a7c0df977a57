// datasets/reader.h: files become samples. One format is one file and one row of readers_all.
//
//     ReadOptions options = {.columns = {.text = SLICE_LIT("review"), .label = SLICE_LIT("stars")}};
//     Dataset train = {0};
//     TRY(dataset_read("train.csv", &options, &train, err));
//     ...
//     dataset_release(&train);
//
// Every error names the file and the line (and column where one is known), what was found and the remedy.
#ifndef ASSAY_DATASETS_READER_H
#define ASSAY_DATASETS_READER_H

#include "base/json.h"
#include "datasets/dataset.h"
#include "datasets/sample.h"

typedef enum ReadHeader { READ_HEADER_AUTO, READ_HEADER_YES, READ_HEADER_NO } ReadHeader;
// How whoever asked would say it another way, for messages: as keys of a suite, or as options of a command.
typedef enum ReadSpeech { SPEECH_KEYS, SPEECH_OPTIONS } ReadSpeech;
// What becomes of pairs with an empty source or target.
typedef enum EmptySides { EMPTY_SIDES_REFUSE, EMPTY_SIDES_DROP, EMPTY_SIDES_KEEP } EmptySides;
// What becomes of answers that do not stand where the data say: the file is refused; they are left out; or they are moved to
// the nearest place of their context where they stand, and left out where there is none. A question that has lost all its
// answers goes too.
// To IGNORE them is for those who want questions alone: such answers are left out, the question stays and counts as unlabelled
// where it has no other.
typedef enum BadAnswers {
    BAD_ANSWERS_REFUSE,
    BAD_ANSWERS_DROP,
    BAD_ANSWERS_RELOCATE,
    BAD_ANSWERS_IGNORE,
} BadAnswers;
// Which of StereoSet's items are read.
typedef enum StereoItems { STEREO_INTRASENTENCE, STEREO_INTERSENTENCE, STEREO_ALL } StereoItems;
typedef enum TextEncoding { ENCODING_UTF8, ENCODING_LATIN1, ENCODING_WINDOWS_1252 } TextEncoding;

// An attribute of the sample and the column or key that holds its value.
typedef struct ReadAttribute {
    Slice name, column;
} ReadAttribute;

// A column is named by its heading, or by its number from 1 ("2"). For JSON Lines it is a key, or a path of keys
// ("meta.source"; a key that itself has dots is tried first). A zeroed Slice is the default, a slice of length 0 whose ptr
// is not NULL means none:
//   text    the first heading or key of: text, sentence, sentence1, premise, question, review, content, comment, tweet,
//           document, body, title, input; else the only column left; without a header the first column not asked for
//           otherwise
//   label   the first of: label, labels, class, category, target, sentiment, polarity, stars, rating, gold_label, answer,
//           score, similarity; without a header the next column not asked for otherwise
//   pair    the first of: pair, text_pair, sentence2, hypothesis; without a header none
//   id      id or guid; without a header none
//   group   none
// Where targets are wanted (ReadOptions.wants_target), text is the source and there is no label unless asked for:
//   text    the first of: source, src, text, sentence, input, question, prompt, article, document; else the only column
//           left; without a header the first column not asked for otherwise
//   target  the first of: target, targets, tgt, translation, reference, references, ref, output, answer, summary; without a
//           header the next column not asked for otherwise. In JSON a list of strings is several references
// Where choices are wanted (ReadOptions.wants_choices), label is the right one: an index from 0, a letter from A, or its text;
// choices in JSON are a list of strings, one string, {"text": [..], "label": [..]}, or an object from choice to 0 or 1; without
// columns.choices the first key of: choices, options, endings. Tables need a column each. For "jsonl" the labels may stand
// in labels_path, a line each.
// Where any number of labels is wanted (ReadOptions.wants_label_set), label holds all of them: in JSON a list, or as in tables a
// text with a separator between them; empty is none of them. Or each label has a column of its own (ReadColumns.labels) of
// 0 and 1, or true and false; the labels are then in the order of the columns.
// Where a number is wanted (ReadOptions.wants_value), label holds it.
// "parallel" has files for columns: text and target are the ends of their names ("en", "de").
// "conll" has no headings: text is the column of words (by default the first), label that of tags (the last).
// Headings are compared without regard to case and surrounding blanks; the keys of JSON exactly.
typedef struct ReadColumns {
    Slice text, pair, label, id, group, target;
    const Slice *choices; // of questions with choices: one that has them all (JSON), or one each
    size_t n_choices;
    // Of samples with any number of labels: columns of 0 and 1, one for each label, in the place of `label`.
    const ReadAttribute *labels;
    size_t n_labels;
    const ReadAttribute *attributes;
    size_t n_attributes;
} ReadColumns;

// Zeroed means: the format by the file's name, default columns, labels as found, UTF-8. Everything is borrowed.
typedef struct ReadOptions {
    Slice format; // a reader's name; empty = by the file's extension
    ReadColumns columns;
    // READ_HEADER_AUTO: the first row is a header where a column is asked for by name; or the row has both a default
    // name of a text column and one of a label column; or its field in the label column (the number given, else the
    // default) is a
    // default name of a label column; or, with label_optional, its field in the text column is a default name of a text
    // column. Else it is data.
    ReadHeader header;
    ReadSpeech speech;
    char
        delimiter; // 0 = the format's own. ' ' splits only as often as columns are asked for: the last takes the rest
    TextEncoding encoding;
    const Slice *
        labels; // the classes in order; another label in the file is an error. Pass train's when reading test
    size_t n_labels;
    bool label_optional; // samples without a label are read, with SAMPLE_NO_LABEL
    bool
        wants_target; // samples are a source with targets, and have no label; goes with label_optional
    bool
        wants_choices; // samples are questions with choices, label says which is right; goes with label_optional
    bool wants_label_set;  // samples have any number of labels (Sample.held)
    bool wants_value;      // samples have a number in the label's place (Sample.value)
    Slice label_separator; // between the labels of one column; empty = ","
    EmptySides empty_sides;
    BadAnswers bad_answers;
    StereoItems items;
    bool adds_labels; // to those given: others are put behind them, in the order of the file
    // "parallel" only: files with the targets, line by line. None = beside the source's, by the ends of their names.
    const Slice *target_paths;
    size_t n_target_paths;
    Slice
        labels_path; // "lines" only: the file with a label a line. Empty = X_labels.txt beside X_text.txt
} ReadOptions;

// What a reader is given: the file's text in UTF-8, checked, without NUL and byte order mark, in the dataset's arena.
typedef struct ReadInput {
    Slice path; // for messages
    Slice text;
    const ReadOptions *options;
    Arena *arena;      // the dataset's
    char *sha256;      // [65] of the file's bytes; a reader that reads a second file mixes it in
    Dataset *dataset;  // for notes
    size_t *n_dropped; // pairs with an empty side
    DatasetBuilder *builder;
} ReadInput;

typedef struct Reader {
    const char *name;              // "tsv"
    const char *summary;           // one line for people
    const char *const *extensions; // with the dot, ended by NULL
    bool has_questions;            // samples are questions about a passage, with choices
    Status (*read)(const ReadInput *input, Error *err);
} Reader;

extern const Reader *const readers_all[];
extern const size_t readers_count;

// The reader of that name, or the one for the path's extension where name is empty. STATUS_INVALID names what there is.
Status reader_for(Slice path, Slice name, const Reader **out, Error *err) MUST_CHECK;

// Reads a whole file ("-" is standard input, with a format; gzip and zstd are unpacked) into a zeroed dataset. On failure *out is zeroed again.
// At most 4 GiB.
Status dataset_read(const char *path, const ReadOptions *options, Dataset *out,
                    Error *err) MUST_CHECK;

// Where a source's file has its targets beside it: "train.en" -> "train.de" for the columns text "en" and target "de". In
// the arena. STATUS_INVALID where the name has another end.
Status parallel_target_path(Arena *arena, Slice path, const ReadColumns *columns, Slice *out,
                            Error *err) MUST_CHECK;
// The file of labels that goes with X_text.txt where none is named: X_labels.txt beside it; either may be packed (.gz,
// .zst). *out lies in the arena; NULL where there is none.
Status dataset_labels_beside(Arena *arena, Slice path, char **out, Error *err) MUST_CHECK;

// The file that a format reads beside the one that is named: the twin of "winobias", the statistics of "winogender"; in the
// arena. NULL for other formats, and where it is not there.
const char *dataset_companion(Arena *arena, const char *path, Slice format);

// Fills options from the keys of a JSON object: "format", "columns" {"text", "pair", "label" (also {LABEL: COLUMN} or
// [COLUMN..]), "id", "group", "target", "attributes": {NAME: COLUMN} or [COLUMN..]; a column is a name or a number from 1}, "header" (true, false; absent:
// auto), "delimiter" (one character, or "tab", "comma", "space"), "encoding" ("utf-8", "latin1", "windows-1252"),
// "labels" [..], "label_separator", "empty_sides" ("refuse", "drop", "keep"), "bad_answers" ("refuse", "drop", "relocate"),
// "items" ("intrasentence", "intersentence", "all"), "labels_file" (as written: the caller makes it relative to what it wants).
// Other keys of the object are the caller's; read_option_keys lists ours for json_check_keys. Slices borrow from the document;
// arrays are in the arena.
Status read_options_parse(const Json *object, Arena *arena, ReadOptions *options,
                          Error *err) MUST_CHECK;
extern const char *const read_option_keys[];
extern const size_t read_option_keys_count;

// The file of a part of a data set in a directory: "train"; "dev" (also found as valid, validation, val); "test". First a
// file named PART.EXT with an extension some reader knows, else the one file with PART among the words of its name
// (words end at '.', '-' and '_'; of X_text.txt and X_labels.txt the first). Where end is not empty only names that end in
// "." and it count, whatever readers know: the sources of parallel text. *out lies in the arena. STATUS_NOT_FOUND
// where there is none, STATUS_INVALID where several fit: the message lists them.
Status dataset_find_part(Arena *arena, const char *directory, const char *part, Slice end,
                         char **out, Error *err) MUST_CHECK;

#endif
