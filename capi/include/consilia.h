#ifndef CONSILIA_H
#define CONSILIA_H
/* The C ABI of consilia: everything but the table that model backends fill (consilia/c/backend.h). */
#include "consilia/c/access.h"
#include "consilia/c/assignments.h"
#include "consilia/c/audit.h"
#include "consilia/c/core.h"
#include "consilia/c/data.h"
#include "consilia/c/dicom.h"
#include "consilia/c/dispatcher.h"
#include "consilia/c/drift.h"
#include "consilia/c/file_type.h"
#include "consilia/c/forms.h"
#include "consilia/c/guard.h"
#include "consilia/c/heat_map.h"
#include "consilia/c/imaging.h"
#include "consilia/c/inference.h"
#include "consilia/c/opinion.h"
#include "consilia/c/policy_analysis.h"
#include "consilia/c/policy_store.h"
#include "consilia/c/screening.h"
#include "consilia/c/uploads.h"
#include "consilia/c/value.h"
#endif
