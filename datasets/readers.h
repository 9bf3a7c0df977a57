// datasets/readers.h: the rows that reader.c lists. Internal to datasets/.
#ifndef ASSAY_DATASETS_READERS_H
#define ASSAY_DATASETS_READERS_H

#include "datasets/reader.h"

extern const Reader reader_parallel;
extern const Reader reader_conll;
extern const Reader reader_squad;
extern const Reader reader_tsv;
extern const Reader reader_csv;
extern const Reader reader_jsonl;
extern const Reader reader_lines;
extern const Reader reader_hellaswag;
extern const Reader reader_crows_pairs;
extern const Reader reader_stereoset;
extern const Reader reader_bbq;
extern const Reader reader_winobias;
extern const Reader reader_winobias_coreference;
extern const Reader reader_winogender;
extern const Reader reader_winogender_coreference;
extern const Reader reader_seat;

#endif
