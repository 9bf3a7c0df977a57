// Requests that are searched with beams: each running beam is a strand of the job in the queue.
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "models/generation/beam_internal.h"
#include "models/generation/generate_internal.h"

Status beam_writing_begin(const Model *model, const GenerateRequest *request, size_t n_most,
                          Arena *arena, BeamWriting *out, Error *err)
{
    const ModelConfig *config = &model->config;
    BeamOptions options = *request->beams;
    *out = (BeamWriting){.n_vocab = config->vocab_size};
    options.max_new_tokens = n_most;
    options.min_new_tokens = size_min(options.min_new_tokens, n_most);
    options.stops = (StopTexts){model->tokenizer, request->stops, request->n_stops};
    options.n_ends = 0;
    for (size_t i = 0; !request->ignores_eos && i < config->n_eos && i < BEAM_MAX_ENDS; i++)
        options.end_ids[options.n_ends++] = config->eos_ids[i];
    return beam_begin(&out->search, &options, request->prompt, request->n_prompt, arena, err);
}

void beam_writing_release(BeamWriting *writing)
{
    free(writing->logits);
    writing->logits = NULL;
}

size_t beam_writing_room(const Model *model, const GenerateRequest *request, size_t n_most)
{
    const size_t n_beams = request->beams->n_beams, n_vocab = model->config.vocab_size;
    const size_t per_token = size_max(cache_bytes_per_token(&model->tape, model->kv_dtype), 1);
    size_t n_prompts = 1; // beams that read again share nothing
    for (size_t i = 0; i < model->tape.n_ropes; i++) {
        if (model->tape.ropes[i].rereads) n_prompts = n_beams;
    }
    return n_prompts * request->n_prompt + n_most * n_beams +
           n_beams * n_vocab * sizeof(float) / per_token;
}

Status beam_writing_read(BeamWriting *writing, size_t strand, const float *logits, Error *err)
{
    const size_t n_beams = writing->search.options.n_beams;
    if (!writing->logits) {
        writing->logits = calloc(n_beams * writing->n_vocab, sizeof *logits);
        if (!writing->logits)
            return error_set_memory(err, n_beams * writing->n_vocab, sizeof *logits, "beams");
    }
    memcpy(writing->logits + strand * writing->n_vocab, logits, writing->n_vocab * sizeof *logits);
    return STATUS_OK;
}

Status beam_writing_advance(Queue *queue, BeamWriting *writing, Error *err)
{
    return beam_advance(&writing->search, queue->model->workers[0].exec, writing->logits,
                        writing->n_vocab, writing->n_vocab, err);
}

void beam_writing_tokens(BeamWriting *writing, size_t strand, int32_t *out)
{
    BeamSearch *search = &writing->search;
    const size_t n = beam_history(search, search->running[strand].node);
    memcpy(out, search->history, n * sizeof *out);
}

Status beam_writing_branch(Queue *queue, size_t job, const BeamWriting *writing, Error *err)
{
    const BeamSearch *search = &writing->search;
    uint32_t from[BEAM_MAX_BEAMS];
    for (size_t i = 0; i < search->n_running; i++) from[i] = search->running[i].from;
    TRY(queue_branch(queue, job, from, search->n_running, err));
    for (size_t i = 0; i < search->n_running; i++)
        queue->jobs[job].strands[i].last_token = beam_last_token(search, i);
    return STATUS_OK;
}

Status beam_writing_results(const BeamWriting *writing, const GenerateRequest *request,
                            Arena *arena, GenerateResult *out, Error *err)
{
    *out = (GenerateResult){.text_bytes = SIZE_MAX};
    TRY(arena_take(arena, request->n_results, sizeof *out->found, "results", &out->found, err));
    for (size_t i = 0; i < request->n_results; i++) {
        SearchResult *found = &out->found[i];
        TRY(arena_take(arena, writing->search.options.max_new_tokens, sizeof *found->ids, "results",
                       &found->ids, err));
        if (!beam_result(&writing->search, i, found)) break;
        out->n_found++;
    }
    if (out->n_found == 0) return STATUS_OK;
    const SearchResult *best = &out->found[0];
    out->ids = best->ids;
    out->n_ids = best->n_ids;
    out->text_bytes = best->text_bytes;
    out->finish = best->has_stopped ? FINISH_STOP : best->has_ended ? FINISH_EOS : FINISH_LENGTH;
    return STATUS_OK;
}
