// tools/score/squad.h: SQuAD's documents, predictions and numbers.
#ifndef ASSAY_TOOLS_SCORE_SQUAD_H
#define ASSAY_TOOLS_SCORE_SQUAD_H

#include "base/json_reader.h"
#include "metrics/clusters.h"
#include "metrics/squad.h"
#include "tools/score/score.h"

typedef struct SquadQuestion {
    Slice id;
    const Slice *answers; // none where the question has no answer
    size_t n_answers;
    uint32_t article, paragraph; // counted over the document
    uint32_t na_place;           // among the questions in the order of the file of probabilities
    Slice prediction;
    double na_probability;
    bool is_predicted, has_na_probability;
} SquadQuestion;

// A document and what was said about it. Zeroed before the first read; texts lie in the readers' arena or text.
typedef struct SquadData {
    SquadQuestion *questions;
    size_t n, capacity;
    size_t n_articles, n_paragraphs;
    ClusterNames ids; // the index of a question by its id
    bool has_unanswerable;
    size_t n_surplus; // predictions for questions that are not in the document
    size_t n_na;
    bool has_na_probs; // of every question
} SquadData;

// The document that comes next: {"data": [articles]}, or the articles alone. Refuses an id that stands twice.
Status squad_read_data(JsonReader *r, SquadData *out, Error *err) MUST_CHECK;
// {id: text}; an id that stands twice is refused, one of no question is counted.
Status squad_read_predictions(JsonReader *r, SquadData *data, Error *err) MUST_CHECK;
// {id: number}: how sure the system is that there is no answer. NaN is refused, and a question without one.
Status squad_read_na_probs(JsonReader *r, SquadData *data, Error *err) MUST_CHECK;
void squad_release(SquadData *data);

typedef struct SquadOptions {
    SquadVersion version;
    double na_prob_thresh;
    bool missing_is_wrong; // else version 2.0 refuses a question without prediction
} SquadOptions;

typedef enum SquadPart { SQUAD_ALL, SQUAD_HAS_ANSWER, SQUAD_NO_ANSWER, N_SQUAD_PARTS } SquadPart;

typedef struct SquadScores {
    double *exact, *f1; // [n], after the threshold
    double *raw;        // [n, 5]: the rows of squad_best_f1 by na_place; NULL without probabilities
    size_t n_missing;
    struct {
        double exact, f1; // sums of the n questions
        size_t n;
    } parts[N_SQUAD_PARTS];
    double *best; // squad_best_f1's scores; NULL without probabilities, or in version 1.1
} SquadScores;

// All that the official script computes.
Status squad_evaluate(const SquadData *data, const SquadOptions *options, Arena *arena,
                      SquadScores *out, Error *err) MUST_CHECK;
// The official script's keys, in percent.
void squad_put_json(const SquadData *data, const SquadOptions *options, const SquadScores *scores,
                    JsonWriter *w);

// --data, --pred, --na-probs.
Status squad_files_run(CommandLine *line, Error *err) MUST_CHECK;

#endif
