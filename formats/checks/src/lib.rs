//! Judgement: every check of coroner, one file a family, one line each in CHECKS
