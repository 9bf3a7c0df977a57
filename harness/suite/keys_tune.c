// The rows of tuning.
#include "harness/suite/keys_internal.h"
#include "models/quantize.h"

static const char *choice_schedule(size_t i)
{
    return i < SCHEDULE_COUNT ? schedule_name((Schedule)i) : NULL;
}

static const char *choice_prune_scope(size_t i)
{
    return i < PRUNE_SCOPE_COUNT ? prune_scope_name((PruneScope)i) : NULL;
}

static const char *choice_quantize(size_t i)
{
    return i == 0 ? "none" : quantize_format_names[i]; // the first there is f32, as tuned
}

#define WEIGHTS_SCHEMA                                                                              \
    "{\"anyOf\":[{\"enum\":[\"none\",\"balanced\"]},{\"type\":\"object\",\"additionalProperties\":" \
    "{\"anyOf\":[{\"type\":\"number\",\"minimum\":0},{\"type\":\"array\",\"minItems\":1,"           \
    "\"items\":{\"type\":\"number\",\"minimum\":0}}]}}]}"

static const char *choice_tuning_compute(size_t i)
{
    static const char *const names[] = {"f32", "bf16"};
    return i < COUNT(names) ? names[i] : NULL;
}

static const SuiteKey keys_tune[] = {
    {KEY("learning_rate", KEY_NUMBER, "AdamW's rate at the end of the warm-up", "5e-05"),
     .lowest = 1e-10, .highest = 1e12, FIELD(TuneSetting, learning_rate)},
    {KEY("batch_size", KEY_COUNT, "sequences a batch", "16"), .lowest = 1, .highest = MANY,
     FIELD(TuneSetting, batch_size)},
    {KEY("accumulate", KEY_COUNT,
         "batches a step: the step is that of one batch so many times as large", "1"),
     .lowest = 1, .highest = MANY, FIELD(TuneSetting, accumulate)},
    {KEY("epochs", KEY_NUMBER, "passes over the training part; a fraction ends within one", "3"),
     .lowest = 0.001, .highest = MANY, FIELD(TuneSetting, epochs), .write = tune_write_epochs},
    {KEY("max_steps", KEY_COUNT, "so many steps in place of epochs", "(epochs count)"), .lowest = 1,
     .highest = 1e9, FIELD(TuneSetting, max_steps), .is_omitted = true},
    {KEY("schedule", KEY_CHOICE, "how the rate falls after the warm-up", "\"linear\""),
     .choice = choice_schedule, FIELD(TuneSetting, schedule)},
    {KEY("warmup", KEY_OTHER,
         "steps over which the rate rises from 0: a share of all steps below 1, or "
         "a whole number of steps",
         "0"),
     .schema = "{\"type\":\"number\",\"minimum\":0,\"maximum\":1000000000}",
     .shown = "share or whole number", .read = tune_read_warmup, .write = tune_write_warmup},
    {KEY("cycles", KEY_COUNT, "of the schedule cosine-restarts", "1"), .lowest = 1, .highest = 1000,
     FIELD(TuneSetting, n_cycles)},
    {KEY("weight_decay", KEY_NUMBER, "AdamW's decay, never on biases and norms", "0"),
     .highest = 100, FIELD(TuneSetting, weight_decay)},
    {KEY("beta1", KEY_NUMBER, "AdamW's decay of the first moment", "0.9"), .lowest = 1e-6,
     .highest = 0.999999, FIELD(TuneSetting, beta1)},
    {KEY("beta2", KEY_NUMBER, "AdamW's decay of the second moment", "0.999"), .lowest = 1e-6,
     .highest = 0.999999, FIELD(TuneSetting, beta2)},
    {KEY("epsilon", KEY_NUMBER, "AdamW's term under the division", "1e-08"), .lowest = 1e-30,
     .highest = 1, FIELD(TuneSetting, epsilon)},
    {KEY("clip", KEY_NUMBER, "largest global norm of the gradient; 0 does not clip", "1"),
     .highest = 1e9, FIELD(TuneSetting, clip)},
    {KEY("dropout", KEY_NUMBER, "share of activations dropped",
         "(as the model's config.json says)"),
     .highest = 0.999, FIELD(TuneSetting, dropout), .is_omitted = true},
    {KEY("label_smoothing", KEY_NUMBER, "share of the target spread over all classes", "0"),
     .highest = 0.999, FIELD(TuneSetting, label_smoothing)},
    {KEY("class_weights", KEY_OTHER,
         "weights of the classes in the loss: `none`, `balanced` (inverse to their counts), or an object from "
         "label to weight (1 where a label is not named)",
         "\"none\""),
     .schema = WEIGHTS_SCHEMA, .shown = "`none`, `balanced` or object", .read = tune_read_weights,
     .write = tune_write_weights},
    {KEY("balance", KEY_OBJECT,
         "let groups of the training samples count alike, those of an attribute say; `true` draws samples with "
         "replacement so that classes come equally often",
         "false"),
     .section = &section_balance, .read = tune_read_balance, .write = tune_write_balance},
    {KEY("freeze", KEY_TEXT,
         "parts that stay as they are: `embeddings`, `encoder`, blocks as `0-3,7`, tensors as `name:*.bias`",
         "(nothing)"),
     FIELD(TuneSetting, freeze), .is_omitted = true, .read = tune_read_freeze},
    {KEY("lora", KEY_TEXT,
         "low-rank adapters are learned, and the new head: `rank=8,alpha=16,targets=query+value`",
         "(off)"),
     FIELD(TuneSetting, lora), .is_omitted = true, .read = tune_read_lora},
    {KEY("gradual_unfreezing", KEY_COUNT,
         "epochs until one more block learns, the head alone first; 0 is off", "0"),
     .highest = 1000, FIELD(TuneSetting, gradual_unfreezing)},
    {KEY("layer_decay", KEY_NUMBER, "factor on the rate for each block further down", "1"),
     .lowest = 1e-6, .highest = 1, FIELD(TuneSetting, layer_decay)},
    {KEY("lanes", KEY_COUNT, "partial sums in which gradients are added; it changes the last bits",
         "4"),
     .lowest = 1, .highest = 16, FIELD(TuneSetting, lanes)},
    {KEY("sort_by_length", KEY_BOOL, "batches of texts of similar length", "false"),
     FIELD(TuneSetting, sort_by_length)},
    {KEY("tuning_compute", KEY_CHOICE,
         "how dense layers multiply in tuning: `bf16` rounds both sides and adds in f32; weights and "
         "gradients stay f32",
         "(as `f32`)"),
     .choice = choice_tuning_compute, FIELD(TuneSetting, tuning_compute), .is_omitted = true},
    {KEY("gradient_checkpointing", KEY_BOOL,
         "compute the blocks' activations anew in the backward pass: less memory, more time, the same "
         "bits",
         "false"),
     FIELD(TuneSetting, gradient_checkpointing), .write = tune_write_checkpointing},
    {KEY("max_length", KEY_COUNT, "tokens of a sequence, longer ones are cut",
         "(as the task says)"),
     .lowest = 4, .highest = MANY, FIELD(TuneSetting, max_length), .is_omitted = true},
    {KEY("prune", KEY_NUMBER,
         "share of the blocks' weights, those of least magnitude, that become 0 once the model is tuned",
         "0"),
     .highest = 0.999, FIELD(TuneSetting, prune), .write = tune_write_prune},
    {KEY("prune_scope", KEY_CHOICE,
         "`matrix` takes the share of each matrix, `global` of all together", "\"matrix\""),
     .choice = choice_prune_scope, FIELD(TuneSetting, prune_scope), .write = tune_write_prune},
    {KEY("quantize", KEY_CHOICE,
         "the format of numbers that the tuned model is written in and judged with, as `assay quantize` has it",
         "\"none\""),
     .choice = choice_quantize, FIELD(TuneSetting, quantize), .write = tune_write_quantize},
    {KEY("compute", KEY_CHOICE,
         "how the products of the tuned model are computed where it is judged; tuning itself computes in `f32`",
         "(as `--compute` says)"),
     .choice = key_choice_compute, FIELD(TuneSetting, compute), .is_omitted = true},
    {KEY("until_epoch", KEY_NUMBER,
         "tuning ends here, with the schedule of all epochs; a search by halving sets it",
         "(its end)"),
     .lowest = 0.001, .highest = MANY, FIELD(TuneSetting, until_epoch), .write = tune_write_until},
    {KEY("until_step", KEY_COUNT, "the same in steps", "(its end)"), .lowest = 1, .highest = 1e9,
     FIELD(TuneSetting, until_step), .is_omitted = true},
    {KEY("train_samples", KEY_NUMBER,
         "learn from a stratified subset: a share below 1, or a number of samples from 2; a learning "
         "curve sets it",
         "(all)"),
     .lowest = 1e-6, .highest = 1e9, FIELD(TuneSetting, train_samples), .read = tune_read_samples,
     .write = tune_write_samples},
    {KEY("after", KEY_TEXT, "what was done to the tuned model: the suite's `after` sets it",
         "(nothing)"),
     FIELD(TuneSetting, after), .is_omitted = true},
    {KEY("augment", KEY_OBJECT,
         "learn from copies of training samples with changes too; `false` does not", "false"),
     .section = &section_augment, .read = tune_read_augment, .write = tune_write_augment},
    {KEY("distill", KEY_OBJECT,
         "learn from a teacher's answers beside the labels; `false` does not", "false"),
     .section = &section_distill, .read = tune_read_distill, .write = tune_write_distill},
    {KEY("early_stopping", KEY_OBJECT,
         "look at the part held out after every epoch and keep the best weights; `false` keeps the last",
         "false"),
     .section = &section_stopping, .read = tune_read_stopping, .write = tune_write_stopping},
};
const SuiteSection section_tune = {.name = "tune",
                                   .summary =
                                       "The settings of tuning. An array is an axis of the grid.",
                                   .keys = keys_tune,
                                   .n_keys = COUNT(keys_tune),
                                   .is_grid = true};

static const SuiteKey keys_after[] = {
    {KEY("prune", KEY_NUMBER,
         "share of the blocks' weights, those of least magnitude, that become 0", "0"),
     .highest = 0.999, FIELD(TuneSetting, prune)},
    {KEY("prune_scope", KEY_CHOICE,
         "`matrix` takes the share of each matrix, `global` of all together", "\"matrix\""),
     .choice = choice_prune_scope, FIELD(TuneSetting, prune_scope)},
    {KEY("quantize", KEY_CHOICE, "the format of numbers that the model is written in", "\"none\""),
     .choice = choice_quantize, FIELD(TuneSetting, quantize)},
    {KEY("compute", KEY_CHOICE, "how its products are computed", "(as `--compute` says)"),
     .choice = key_choice_compute, FIELD(TuneSetting, compute)},
};
const SuiteSection section_after = {.name = "after[]",
                                    .summary = "One step on the tuned winner.",
                                    .keys = keys_after,
                                    .n_keys = COUNT(keys_after)};

static const SuiteKey keys_augment[] = {
    {KEY("kind", KEY_CHOICE,
         "`synonyms` puts other words of the lexicon in the place of words, `insert` puts such words in, `swap` "
         "exchanges words, `delete` leaves words out, `eda` does one of these to each text; `back-translate` "
         "translates texts forth and back, `paraphrase` has a causal model write them anew",
         NULL),
     .choice = augment_kind_name, FIELD(TuneSetting, augment.kind)},
    {KEY("share", KEY_NUMBER, "of the training samples that get copies", "1"), .lowest = 1e-6,
     .highest = 1, FIELD(TuneSetting, augment.share)},
    {KEY("copies", KEY_COUNT, "of each of them; back-translation makes one", "1"), .lowest = 1,
     .highest = 100, FIELD(TuneSetting, augment.copies)},
    {KEY("words", KEY_NUMBER, "share of a text's words that change, one at least", "0.1"),
     .lowest = 0, .highest = 1, FIELD(TuneSetting, augment.words)},
    {KEY("lexicon", KEY_TEXT,
         "words that may stand for each other: a lexicon that comes with assay, or the path of one",
         "(`en`)"),
     FIELD(TuneSetting, augment.lexicon), .is_omitted = true},
    {KEY("forward", KEY_TEXT,
         "of `back-translate`: the encoder-decoder that translates the texts, a directory or the name of a "
         "model of the suite that is not tuned",
         "(none)"),
     FIELD(TuneSetting, augment.forward), .is_omitted = true},
    {KEY("back", KEY_TEXT, "of `back-translate`: the one that translates back", "(none)"),
     FIELD(TuneSetting, augment.back), .is_omitted = true},
    {KEY("generator", KEY_TEXT,
         "of `paraphrase`: the causal model, a directory, a GGUF file or the name of a model of the suite that is "
         "not tuned",
         "(none)"),
     FIELD(TuneSetting, augment.generator), .is_omitted = true},
    {KEY("prompt", KEY_TEXT, "of `paraphrase`: what it reads, with `{text}`",
         "(`Say the same in other words.\\nText: {text}\\nIn other words:`)"),
     FIELD(TuneSetting, augment.prompt), .is_omitted = true, .read = tune_read_augment_prompt},
    {KEY("temperature", KEY_NUMBER, "of `paraphrase`: of sampling; 0 takes the likeliest token",
         "(0.8)"),
     .highest = 100, FIELD(TuneSetting, augment.temperature), .is_omitted = true},
    {KEY("max_new_tokens", KEY_COUNT, "of `paraphrase`: tokens that are written at most", "(64)"),
     .lowest = 1, .highest = MANY, FIELD(TuneSetting, augment.max_new_tokens), .is_omitted = true},
};
const SuiteSection section_augment = {.name = "tune.augment",
                                      .summary = "Copies of training samples.",
                                      .keys = keys_augment,
                                      .n_keys = COUNT(keys_augment),
                                      .is_grid = true};

static const SuiteKey keys_distill[] = {
    {KEY("teacher", KEY_TEXT,
         "a saved model with a head for the task's labels: its directory or file, or the name of a model "
         "of the suite, which is tuned first where it is tuned",
         NULL),
     FIELD(TuneSetting, teacher)},
    {KEY("temperature", KEY_NUMBER, "what both models' scores are divided by", "2"), .lowest = 0.01,
     .highest = 1000, FIELD(TuneSetting, temperature)},
    {KEY("alpha", KEY_NUMBER, "the teacher's share of the loss; the labels have the rest", "0.5"),
     .highest = 1, FIELD(TuneSetting, alpha)},
};
const SuiteSection section_distill = {.name = "tune.distill",
                                      .summary = "Learning from a teacher.",
                                      .keys = keys_distill,
                                      .n_keys = COUNT(keys_distill),
                                      .is_grid = true};

static const char *choice_balance(size_t i)
{
    static const char *const names[] = {
        [BALANCE_RESAMPLE] = "resample", [BALANCE_REWEIGHT] = "reweight"};
    return i < COUNT(names) ? names[i] : NULL;
}

static const SuiteKey keys_balance[] = {
    {KEY("by", KEY_TEXT,
         "`class`, an attribute of the data, `group`, or several of them with commas between: `gender,class`",
         "\"class\""),
     FIELD(TuneSetting, balance.by)},
    {KEY("how", KEY_CHOICE,
         "`resample` draws samples with replacement so that groups come equally often, `reweight` weighs their "
         "losses so that groups weigh alike",
         "\"resample\""),
     .choice = choice_balance, FIELD(TuneSetting, balance.how)},
};
const SuiteSection section_balance = {.name = "tune.balance",
                                      .summary = "Groups that count alike in tuning.",
                                      .keys = keys_balance,
                                      .n_keys = COUNT(keys_balance),
                                      .is_grid = true};

static const SuiteKey keys_stopping[] = {
    {KEY("patience", KEY_COUNT, "epochs without a new best before stopping; 0 never stops early",
         "2"),
     .highest = 100000, FIELD(TuneSetting, patience)},
    {KEY("monitor", KEY_TEXT,
         "what is watched: `loss`, `primary` (the task's primary score), or a score by name",
         "\"loss\""),
     .size = 0, .read = tune_read_monitor, .write = tune_write_monitor},
    {KEY("min_delta", KEY_NUMBER, "how much better counts as better", "0"), .highest = 1e9,
     FIELD(TuneSetting, min_delta)},
};
const SuiteSection section_stopping = {.name = "tune.early_stopping",
                                       .summary = "Early stopping.",
                                       .keys = keys_stopping,
                                       .n_keys = COUNT(keys_stopping),
                                       .is_grid = true};
