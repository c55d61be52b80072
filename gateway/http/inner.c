#include "gateway/http/http.h"
