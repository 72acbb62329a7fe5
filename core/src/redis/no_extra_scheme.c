#include "redis/extra_scheme.h"

const kw__extra_scheme *const kw__extra_scheme_of_tests = NULL;
